import { findPids, listNamespaces } from '../../linux/namespace.ts'
import type { NodeRuntimeConfig } from './config.ts'
import type { Log } from './log.ts'
import { removePodNetwork } from './pod-network.ts'
import { killProcess } from './pod-process.ts'
import { podNamespacesOf, type Sandbox } from './sandbox.ts'

/** Ends what no record knows: processes started, or namespaces made, in the instant the last runtime was killed. */
export async function removeStrays(
  config: NodeRuntimeConfig,
  sandboxes: readonly Sandbox[],
  log: Log,
): Promise<void> {
  const names = podNamespacesOf(config.podNamespacePrefix, config.nodeName, await listNamespaces())
  if (names.length === 0) return
  const pids = await findPids(names)
  for (const name of names) {
    const sandbox = sandboxes.find((candidate) => candidate.netns === name)
    for (const pid of pids.get(name) ?? []) {
      if (pid === sandbox?.container?.pid) continue
      log('stray process ended', { netns: name, pid })
      killProcess(pid)
    }
    if (sandbox === undefined) await removePodNetwork({ netns: name, interface: 'none', addresses: [] })
  }
}
