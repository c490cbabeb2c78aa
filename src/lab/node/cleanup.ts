import { rm } from 'node:fs/promises'
import { deleteNamespaces, findPids, listNamespaces } from '../../linux/namespace.ts'
import { killProcess } from './pod-process.ts'

/**
 * Ends all pods whose network namespaces begin with `prefix` and removes the namespaces; with a folder, the records in
 * it as well. Works without any runtime, after a crash, and more than once.
 */
export async function cleanUpPods(
  prefix: string,
  stateDirectory?: string,
): Promise<{ namespaces: string[] }> {
  const namespaces = (await listNamespaces()).filter((name) => name.startsWith(prefix))
  if (namespaces.length > 0) {
    for (const pids of (await findPids(namespaces)).values()) for (const pid of pids) killProcess(pid)
    await deleteNamespaces(namespaces)
  }
  if (stateDirectory !== undefined) await rm(stateDirectory, { recursive: true, force: true })
  return { namespaces }
}
