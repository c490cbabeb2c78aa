import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { Pod } from '../kubernetes/api-server/objects.ts'
import type { PodNetwork } from './pod-network.ts'
import type { ProcessExit, ProcessIdentity } from './pod-process.ts'

/*
 * What this node holds for a pod, and its record on disk.
 *
 * The record is written before anything it names is made and removed after all of it is gone: whatever instant the
 * runtime is killed at, the next one finds every namespace and process that must be adopted or cleaned up.
 */

export interface Sandbox extends PodNetwork {
  uid: string
  /** The pod as it was when the sandbox was made. */
  pod: Pod
  createdAt: string
  isNetworkReady: boolean
  container: Container | null
  restartCount: number
  lastExit: (ProcessExit & { at: string }) | null
}

interface Container extends ProcessIdentity {
  startedAt: string
}

/** A pod's id as it appears in names on the machine: 32 bits of it tell the pods of a node apart. */
export function shortUid(uid: string): string {
  return uid.replaceAll('-', '').slice(0, 8)
}

/** Network namespace of a pod; the kernel's file names end at 255 characters, so the pod's name may be cut. */
export function netnsOf(prefix: string, nodeName: string, pod: { uid: string; name: string }): string {
  return `${prefix}${nodeName}-${shortUid(pod.uid)}-${pod.name}`.slice(0, 200)
}

/** The network namespaces among `names` that hold pods of this node. */
export function podNamespacesOf(prefix: string, nodeName: string, names: readonly string[]): string[] {
  // Node names may begin alike (`n1` and `n1-a`); what follows the node's name must be a pod's id.
  const start = `${prefix}${nodeName}-`
  return names.filter((name) => name.startsWith(start) && /^[0-9a-f]{8}-/.test(name.slice(start.length)))
}

export interface SandboxStore {
  readAll(): Promise<Sandbox[]>
  write(sandbox: Sandbox): Promise<void>
  remove(uid: string): Promise<void>
  logPathOf(uid: string): string
}

/** Keeps sandbox records under `<directory>/pods`. */
export async function openSandboxStore(directory: string): Promise<SandboxStore> {
  const pods = `${directory}/pods`
  await mkdir(pods, { recursive: true })
  const pathOf = (uid: string) => `${pods}/${shortUid(uid)}.json`
  const logPathOf = (uid: string) => `${pods}/${shortUid(uid)}.log`
  return {
    logPathOf,
    async readAll() {
      const files = (await readdir(pods)).filter((file) => file.endsWith('.json'))
      const texts = await Promise.all(files.map((file) => readFile(`${pods}/${file}`, 'utf8')))
      return texts.map((text) => JSON.parse(text) as Sandbox)
    },
    async write(sandbox) {
      const path = pathOf(sandbox.uid)
      await writeFile(`${path}.new`, JSON.stringify(sandbox))
      await rename(`${path}.new`, path)
    },
    async remove(uid) {
      await rm(pathOf(uid), { force: true })
      await rm(logPathOf(uid), { force: true })
    },
  }
}
