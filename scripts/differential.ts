/*
 * Random fabrics on real FRR against the simulator, for as long as one likes:
 *
 *   npm run differential -- --minutes 20 --seed 1 [--devices 16] [--tweaks] [--write]
 *
 * Case n has the seed `seed + n`; `--minutes 0 --seed 17` repeats the case of seed 17 alone. --tweaks adds
 * settings that plans do not have. With --write the score goes into its place in docs/reference/differential.md. Exit code 1 when anything differed. Needs root and FRR, as labs do.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
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
  const page = new URL('../docs/reference/differential.md', import.meta.url)
  const [begin, end] = [`<!-- score of ${kind()} -->`, '<!-- end of score -->']
  const text = readFileSync(page, 'utf8')
  const start = text.indexOf(begin)
  const stop = text.indexOf(end, start)
  if (start === -1 || stop === -1) throw new Error(`${page.pathname} has no "${begin}" … "${end}"`)
  writeFileSync(page, `${text.slice(0, start)}${begin}\n\n${scoreText()}\n${text.slice(stop)}`)
  console.log('wrote docs/reference/differential.md')
}
process.exitCode = total.mismatches.length > 0 ? 1 : 0

function kind(): string {
  return values.tweaks ? 'other settings' : 'plans'
}

function scoreText(): string {
  const count = (value: number) => value.toLocaleString('en-US')
  const release = /version (\S+)/.exec(execFileSync('/usr/lib/frr/bgpd', ['--version']).toString())?.[1]
  const load = loads.toSorted((a, b) => a - b)[Math.floor(loads.length / 2)] ?? 0
  const duration = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`
  const command = `npm run differential -- --minutes ${minutes} --seed ${firstSeed} --devices ${devices}${values.tweaks ? ' --tweaks' : ''} --write`
  return `\`${command}\`: FRR ${release}, ${duration} on two cores at a median load of ${load.toFixed(1)}.

| | |
|---|---:|
| random topologies (seeds ${firstSeed} to ${firstSeed + total.topologies - 1}) | ${count(total.topologies)} |
| routers booted | ${count(total.routers)} |
| states compared | ${count(total.states)} |
| prefixes compared, summed over routers and states | ${count(total.prefixes)} |
| BGP paths compared, each with all its attributes | ${count(total.paths)} |
| kernel next hops compared, with weights | ${count(total.nextHops)} |
| differences that the order of arrival explains, as predicted | ${count(total.explained)} |
| **mismatches** | **${count(total.mismatches.length)}** |
${failedSeeds.length === 0 ? '' : `\nSeeds with mismatches: ${failedSeeds.join(', ')}.\n`}`
}
