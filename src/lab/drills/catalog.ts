import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Diagnostic } from '../../diagnostics/diagnostic.ts'
import { WeftError } from '../../diagnostics/error.ts'
import { findNearest } from '../../intent/nearest.ts'
import type { Drill, DrillSource } from './drill.ts'
import { loadDrills } from './load-drills.ts'

/*
 * The drills that come with Weft, and those in files: found by name, with everything that suites include.
 */

const folder = fileURLToPath(new URL('suites', import.meta.url))

export interface Chosen {
  drills: Drill[]
  /** Intent that the drills are meant for, as a path; the first that says one. */
  intent: string | null
}

let suites: DrillSource[] | undefined

/** All built-in suites, in the order of their files. */
export function builtInSuites(): DrillSource[] {
  suites ??= readBuiltIns()
  return suites
}

function readBuiltIns(): DrillSource[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => readBuiltIn(join(folder, name)))
}

/** Finds drills by name, suites by name, and reads files; each drill once, in the order asked for. */
export function chooseDrills(
  words: readonly string[],
  readFile: (path: string) => string,
  refuse: (diagnostics: readonly Diagnostic[], file: string) => never,
): Chosen {
  const known = builtInSuites()
  const found = new Map<string, Drill>()
  let intent: string | null = null
  const take = (source: DrillSource) => {
    if (source.intent !== null) intent ??= join(dirname(source.file), source.intent)
    for (const name of source.include) for (const drill of named(known, name)) found.set(drill.name, drill)
    for (const drill of source.drills) found.set(drill.name, drill)
  }
  for (const word of words) {
    if (isFile(word)) {
      const { source, diagnostics } = loadDrills(readFile(word), word)
      if (source === null) refuse(diagnostics, word)
      take(source)
      continue
    }
    const suite = known.find(({ name }) => name === word)
    if (suite !== undefined) take(suite)
    else for (const drill of named(known, word)) found.set(drill.name, drill)
  }
  return { drills: [...found.values()], intent }
}

/** The text of a built-in drill or suite as one would write it oneself. */
export function builtInText(name: string): string {
  const known = builtInSuites()
  const suite = known.find((candidate) => candidate.name === name)
  // Its fabric is named relative to where Weft is installed; a copy is for the fabric beside the copy.
  if (suite !== undefined) return readFileSync(suite.file, 'utf8').replace(/^intent:.*\n/m, '')
  const [drill] = named(known, name)
  const source = known.find(({ drills }) => drills.some((candidate) => candidate === drill))!
  return excerpt(readFileSync(source.file, 'utf8'), name)
}

/** Drills of that name, or all of the suite of that name. */
function named(known: readonly DrillSource[], name: string): Drill[] {
  const suite = known.find((candidate) => candidate.name === name)
  if (suite !== undefined) return [...suite.include.flatMap((other) => named(known, other)), ...suite.drills]
  const drill = known.flatMap(({ drills }) => drills).find((candidate) => candidate.name === name)
  if (drill !== undefined) return [drill]
  const names = [
    ...known.map((one) => one.name),
    ...known.flatMap(({ drills }) => drills.map((one) => one.name)),
  ]
  const nearest = findNearest(name, names)
  throw new WeftError('WEFT_DRILL_UNKNOWN', `there is no drill or suite "${name}"`, {
    hint:
      nearest === null
        ? 'see what there is: weft drill list'
        : `did you mean "${nearest}"? All: weft drill list`,
    exitCode: 2,
  })
}

function isFile(word: string): boolean {
  return /\.ya?ml$/.test(word) || basename(word) !== word
}

function readBuiltIn(file: string): DrillSource {
  const { source, diagnostics } = loadDrills(readFileSync(file, 'utf8'), file)
  if (source === null) throw new Error(`${file}: ${diagnostics.map(({ message }) => message).join('; ')}`)
  return source
}

/** One drill out of a suite's text, with the traffic that it shares, as a file of its own. */
function excerpt(text: string, name: string): string {
  const lines = text.split('\n')
  const start = lines.indexOf(`  - name: ${name}`)
  const length = lines.slice(start + 1).findIndex((line) => !line.startsWith('    ') || line.trim() === '')
  const own = lines.slice(start, length < 0 ? undefined : start + 1 + length).map((line) => line.slice(4))
  const shared = (key: string) => {
    if (own.some((line) => line.startsWith(`${key}:`))) return []
    const at = lines.indexOf(`${key}:`)
    if (at < 0) return []
    const end = lines.slice(at + 1).findIndex((line) => !line.startsWith(' '))
    return lines.slice(at, at + 1 + end)
  }
  return `${['drill: v1', ...own.slice(0, 3), ...shared('traffic'), ...own.slice(3), ...shared('expect')].join('\n')}\n`
}
