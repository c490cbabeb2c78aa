/*
 * `npm run drills`: every failure class and all planned work on the two-site example, then the same kinds of failure
 * where nodes attach by iBGP. Writes report.html, report.md, run.json and junit.xml into out/drills/, and
 * out/drills/ibgp/. Arguments go to both runs: `npm run drills -- --repeat 3 --seed 7`.
 *
 * Exits with 1 when an expectation is violated, 2 when one could not be decided, 3 when no lab can run here.
 */
import { environmentInside, localNode, runInForeground } from './setup/process.mjs'
import { explainObstacles, setUp } from './setup/setup.mjs'

const folder = 'out/drills'
const runs = [
  { suite: 'all', out: folder },
  { suite: 'ibgp', out: `${folder}/ibgp` },
]

const machine = await setUp('start')
if (machine !== undefined) {
  if (machine.obstacles.length > 0) {
    explainObstacles(machine.obstacles)
    process.exitCode = 3
  } else process.exitCode = await runDrills(process.argv.slice(2))
}

async function runDrills(args) {
  const codes = []
  for (const { suite, out } of runs) {
    process.stdout.write(`\n== weft drill run ${suite}\n`)
    const command = ['src/cli/main.ts', 'drill', 'run', suite, '--out', out, ...args]
    codes.push(await runInForeground(localNode, command, { env: environmentInside() }))
    if (codes.at(-1) > 2) break
  }
  process.stdout.write(`\nreports: ${runs.map(({ out }) => `${out}/report.html`).join(', ')}\n`)
  // A violation says more than an open question, and what could not run at all says most.
  return codes.find((code) => code > 2) ?? (codes.includes(1) ? 1 : Math.max(...codes))
}
