import { readdir, readlink, stat } from 'node:fs/promises'
import { applyIpBatch, tryIpBatch } from './ip-batch.ts'
import type { Argv } from './run.ts'

/*
 * Named network namespaces, as `ip netns` keeps them: a bind mount of each under /run/netns.
 *
 * Entering is done with nsenter rather than `ip netns exec`: it only changes the network namespace, so a daemon
 * keeps seeing the machine's /sys and /etc, and it is one mount namespace cheaper for each of hundreds of routers.
 */

const directory = '/run/netns'

/** Names of all network namespaces on this machine. */
export async function listNamespaces(): Promise<string[]> {
  try {
    return (await readdir(directory)).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Creates namespaces in one batch; fails on the first that cannot be created. */
export async function createNamespaces(names: readonly string[]): Promise<void> {
  await applyIpBatch(names.map((name) => `netns add ${name}`))
}

/** Deletes namespaces in one batch; those already gone are no error. Processes inside live on until they end. */
export async function deleteNamespaces(names: readonly string[]): Promise<void> {
  const present = new Set(await listNamespaces())
  await tryIpBatch(names.filter((name) => present.has(name)).map((name) => `netns delete ${name}`))
}

/** The argv that runs `argv` inside a namespace; unchanged when no namespace is given. */
export function inNamespace(namespace: string | undefined, argv: Argv): Argv {
  return namespace === undefined ? argv : ['nsenter', `--net=${directory}/${namespace}`, '--', ...argv]
}

/** Process ids inside each of the given namespaces, from one walk over /proc. */
export async function findPids(namespaces: readonly string[]): Promise<Map<string, number[]>> {
  const nameByInode = new Map<string, string>()
  const pids = new Map<string, number[]>()
  for (const name of namespaces) {
    pids.set(name, [])
    const inode = await stat(`${directory}/${name}`).then(
      (found) => `net:[${found.ino}]`,
      () => undefined,
    )
    if (inode !== undefined) nameByInode.set(inode, name)
  }
  const processes = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  await Promise.all(
    processes.map(async (pid) => {
      // A process may end between the two calls: it is then simply not there.
      const link = await readlink(`/proc/${pid}/ns/net`).catch(() => '')
      const name = nameByInode.get(link)
      if (name !== undefined) pids.get(name)?.push(Number(pid))
    }),
  )
  return pids
}
