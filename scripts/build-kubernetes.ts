/*
 * `npm run kubernetes:build`: has the programs of a real control plane ready for `weft lab up --kubernetes real` and the
 * tests. What is found is used; what is missing is built with Go into the cache. With names as arguments only those.
 */

import { formatError } from '../src/diagnostics/format.ts'
import {
  binariesCache,
  clusterPrograms,
  type Program,
  requireBinaries,
} from '../src/lab/kubernetes/real/binaries.ts'

const wanted = process.argv.slice(2) as Program[]
const unknown = wanted.filter((name) => !clusterPrograms.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; there are: ${clusterPrograms.join(', ')}\n`)
  process.exit(2)
}
const started = performance.now()
const seconds = () => `${((performance.now() - started) / 1000).toFixed(0)} s`.padStart(6)
try {
  const found = await requireBinaries(wanted.length === 0 ? clusterPrograms : wanted, (line) => {
    process.stdout.write(`${seconds()}  ${line}\n`)
  })
  for (const path of Object.values(found)) process.stdout.write(`${path}\n`)
  process.stdout.write(`cache: ${binariesCache()}\n`)
} catch (error) {
  process.stderr.write(`${formatError(error)}\n`)
  process.exitCode = 3
}
