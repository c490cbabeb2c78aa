import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { WeftError } from '../diagnostics/error.ts'
import type { Plan } from '../plan/model.ts'
import type { ActiveFault } from './faults/model.ts'
import { labsDirectory, pathsOf } from './names.ts'
import { requireRoot } from './privilege.ts'

/*
 * What a lab knows about itself: /run/weft/labs/<lab>/lab.json.
 *
 * `up` owns the file while it builds; it is written before anything it names is made, so that `down` after a kill -9
 * knows what to look for. It lies under /run, because a reboot takes the namespaces as well. A missing file never
 * stops clean-up: what the machine holds under the lab's names is looked for too.
 */

export interface LabState {
  version: 1
  name: string
  /** `building` that outlives its `up` process is a half-built lab. */
  phase: 'building' | 'up' | 'stopping'
  createdAt: string
  plan: Plan
  /** What `apply` was making of the lab when it was interrupted, or is at this moment. */
  applying?: Plan
  /** Link classes whose BFD was slowed down to fit the machine, and to which profile; empty when none was. */
  relaxedBfd: RelaxedBfd[]
  /** False when the lab was started without BFD. */
  hasBfd: boolean
  /** Whether the nodes have their pod prefixes in the kernel. */
  hasPods: boolean
  /** Processes other than FRR's daemons; those are found by their namespace. */
  processes: LabProcess[]
  /** Faults in force, oldest first. Each is here before it takes effect and until its effect is gone. */
  faults: ActiveFault[]
  /** Number of the last fault's id: ids are never given twice. */
  lastFault: number
}

export interface RelaxedBfd {
  class: string
  fromMilliseconds: number
  toMilliseconds: number
}

export interface LabProcess {
  /** `<device>/<what>`, such as `dc1-compute1-n1/agent`. */
  name: string
  device: string
  pid: number
  log: string
  /** What starts it again. */
  argv: [string, ...string[]]
}

/** Reads a lab's state; null when there is none. */
export async function readState(lab: string): Promise<LabState | null> {
  const path = pathsOf(lab).state
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  try {
    return JSON.parse(text) as LabState
  } catch (cause) {
    throw new WeftError('WEFT_LAB_STATE', `${path} is not readable as a lab's state`, {
      hint: `remove what is left with: weft lab down ${lab}`,
      cause,
    })
  }
}

/** Reads a lab's state, or says that there is no such lab and which ones there are. */
export async function requireState(lab: string): Promise<LabState> {
  requireRoot()
  const state = await readState(lab)
  if (state !== null) return state
  const labs = await listLabs()
  throw new WeftError('WEFT_LAB_UNKNOWN', `there is no lab named "${lab}"`, {
    hint:
      labs.length === 0
        ? 'no lab is running: start one with "weft lab up"'
        : `these are running: ${labs.join(', ')}; pick one with --name`,
    exitCode: 2,
  })
}

let lastWrite: Promise<unknown> = Promise.resolve()

/**
 * Writes a lab's state in one step: a reader sees the old or the new one, never half of it. Writes follow one another,
 * and each writes what the state is when its turn comes.
 */
export async function writeState(state: LabState): Promise<void> {
  const turn = lastWrite.then(async () => {
    const { root, state: path } = pathsOf(state.name)
    await mkdir(root, { recursive: true })
    const temporary = `${path}.${process.pid}`
    await writeFile(temporary, `${JSON.stringify(state)}\n`, { mode: 0o600 })
    await rename(temporary, path)
  })
  lastWrite = turn.catch(() => {})
  await turn
}

/** Names of all labs that left a state folder. */
export async function listLabs(): Promise<string[]> {
  const entries = await readdir(labsDirectory, { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

/** Removes a lab's folder with everything in it. */
export async function removeState(lab: string): Promise<void> {
  await rm(pathsOf(lab).root, { recursive: true, force: true })
}

/** The only running lab, for commands that were given no name. */
export async function onlyLab(): Promise<string> {
  const labs = await listLabs()
  if (labs.length === 1) return labs[0] as string
  throw new WeftError(
    labs.length === 0 ? 'WEFT_LAB_NONE' : 'WEFT_LAB_AMBIGUOUS',
    labs.length === 0 ? 'no lab is running' : `${labs.length} labs are running: ${labs.join(', ')}`,
    {
      hint: labs.length === 0 ? 'start one with "weft lab up"' : `say which one, such as --name ${labs[0]}`,
      exitCode: 2,
    },
  )
}
