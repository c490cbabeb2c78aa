/*
 * `npm run bench`: every measurement in bench/, one after the other, so that none disturbs another. Words choose among
 * them; what follows the first option is theirs: `npm run bench -- agent --churn 15`.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { environmentInside, localNode, root, runInForeground, say } from './setup/process.mjs'
import { explainObstacles, setUp } from './setup/setup.mjs'

const machine = await setUp('start')
const words = process.argv.slice(2)
const options = words.findIndex((word) => word.startsWith('--'))
const wanted = options < 0 ? words : words.slice(0, options)
const passedOn = options < 0 ? [] : words.slice(options)
if (machine !== undefined) process.exitCode = await runBenches(machine.obstacles)

async function runBenches(obstacles) {
  const files = readdirSync(join(root, 'bench'))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
    .sort()
  if (files.length === 0) {
    say(`bench: nothing in bench/ is called like ${wanted.join(' or ')}`)
    return 2
  }
  if (obstacles.length > 0) explainObstacles(obstacles)
  const failed = []
  for (const file of files) {
    process.stdout.write(`\n== ${file.replace(/\.ts$/, '')}\n`)
    const code = await runInForeground(localNode, [join('bench', file), ...passedOn], {
      env: environmentInside(),
    })
    if (code !== 0) failed.push(file)
  }
  if (failed.length > 0) say(`bench: failed: ${failed.join(', ')}`)
  return failed.length > 0 ? 1 : 0
}
