/*
 * Random fabrics on real FRR against the simulator, for as long as one likes:
 *
 *   npm run differential -- --minutes 20 --seed 1 [--devices 16] [--tweaks] [--write]
 *
 * Case n has the seed `seed + n`; `--minutes 0 --seed 17` repeats the case of seed 17 alone. --tweaks adds
 * settings that plans do not have. With --write the score goes
 * into docs/reference/differential.md. Exit code 1 when anything differed. Needs root and FRR, as labs do.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import {
  addScores,
  differentialCase,
  emptyScore,
  runDifferential,
  type Score,
} from '../test/lab/differential-run.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    devices: { type: 'string', default: '16' },
    tweaks: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
const firstSeed = Number(values.seed)
const devices = Number(values.devices)
if (![minutes, firstSeed, devices].every(Number.isFinite)) {
  console.error('usage: npm run differential -- [--minutes n] [--seed n] [--devices n] [--write]')
  process.exit(2)
}

const started = performance.now()
const loads: number[] = []
let total: Score = emptyScore
let failedSeeds: number[] = []
let stopped = false
process.once('SIGINT', () => {
  stopped = true
})

for (let seed = firstSeed; !stopped; seed++) {
  const score = await runDifferential(`diff-${seed}`, differentialCase(seed, devices, values.tweaks)).catch(
    (error: unknown): Score => ({
      ...emptyScore,
      topologies: 1,
      mismatches: [`seed ${seed} ended early: ${error instanceof Error ? error.message : String(error)}`],
    }),
  )
  total = addScores(total, score)
  loads.push(loadavg()[0]!)
  const verdict = score.mismatches.length === 0 ? 'equal' : `${score.mismatches.length} MISMATCHES`
  console.log(
    `seed ${seed}: ${score.routers} routers, ${score.states} states, ${score.paths} paths, ${score.nextHops} next hops: ${verdict}`,
  )
  for (const line of score.mismatches.slice(0, 10)) console.log(`  ${line}`)
  if (score.mismatches.length > 0) failedSeeds = [...failedSeeds, seed]
  if (performance.now() - started > minutes * 60_000) break
}

const seconds = Math.round((performance.now() - started) / 1000)
console.log(
  `\n${total.topologies} topologies, ${total.states} states, ${total.paths} paths, ${total.nextHops} next hops in ${seconds} s: ${total.mismatches.length} mismatches`,
)
if (values.write) {
  writeFileSync(new URL('../docs/reference/differential.md', import.meta.url), page())
  console.log('wrote docs/reference/differential.md')
}
process.exitCode = total.mismatches.length > 0 ? 1 : 0

function page(): string {
  const count = (value: number) => value.toLocaleString('en-US')
  const release = /version (\S+)/.exec(execFileSync('/usr/lib/frr/bgpd', ['--version']).toString())?.[1]
  const load = loads.toSorted((a, b) => a - b)[Math.floor(loads.length / 2)] ?? 0
  const seeds = `${firstSeed} to ${firstSeed + total.topologies - 1}`
  return `# The simulator against real FRR

After this page you know how far a prediction of \`weft trace\`, \`weft routes\` and \`weft verify\` can be trusted.

Written by \`npm run differential -- --minutes ${minutes} --seed ${firstSeed} --devices ${devices} --write\`, FRR ${release}, ${
    seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`
  } on two cores at a median load of ${load.toFixed(1)}.

| | |
|---|---:|
| random topologies (seeds ${seeds}) | ${count(total.topologies)} |
| routers booted | ${count(total.routers)} |
| states compared: whole, with announcements, under faults, healed | ${count(total.states)} |
| tables of prefixes compared, summed over routers and states | ${count(total.prefixes)} |
| BGP paths compared, each with all its attributes | ${count(total.paths)} |
| kernel next hops compared, with weights | ${count(total.nextHops)} |
| paths that differ because FRR depends on the order of arrival there, as predicted | ${count(total.explained)} |
| **mismatches** | **${count(total.mismatches.length)}** |
${failedSeeds.length === 0 ? '' : `\nSeeds with mismatches: ${failedSeeds.join(', ')}. Repeat one with \`--minutes 0 --seed n\`.\n`}
## What a case is

One to three sites of three or five stages with one to three spines, leaves in ones and twos, eBGP and iBGP racks mixed,
single or dual stack, DCI and edge routers, up to three peers that send and receive different things (numbered or not,
with and without MD5 and GTSM), an ECMP limit of 1, 2 or 64, default-only or full routes for nodes, BFD on or off, and
service addresses on several nodes. It is planned, rendered and booted; then nodes announce addresses with random scope,
weight and drain mark, by the agent's own route maps; then up to three faults, one on top of the other: a link silent,
without carrier, or a device without power; then everything is healed.

## What equal means

The simulator reads the text that the routers load. For each router and prefix, all valid paths must be there and no
others: from which neighbour, AS path, origin, MED, local preference, communities, large communities, link bandwidth, and
whether they take part in ECMP; and the kernel must have exactly those next hops with exactly those weights.

Where several equal external paths compete, FRR announces the one that came first. Which one that was cannot be known
beforehand, so paths further on may have another AS path of the same length, or be dropped for a loop when they are not
in use anyway. The simulator says where this is so; only there, and only that, may differ.
`
}
