import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { applyIpBatch } from '../../linux/ip-batch.ts'
import { createNamespaces, deleteNamespaces, inNamespace, listNamespaces } from '../../linux/namespace.ts'
import { untilSubscribed } from '../../linux/route-monitor.ts'
import type { Argv } from '../../linux/run.ts'
import { namespaceOf } from '../names.ts'
import { promptly } from '../probe/promptly.ts'
import { type KernelEvent, parseKernelLine } from './kernel-lines.ts'

/*
 * All kernels of a lab in one process: `ip monitor all-nsid` hears every namespace that has a number in the one it runs
 * in. So a namespace is made in which the lab's devices, and nothing else, are numbered. One reader has one clock, and
 * costs nothing while nothing changes; 31 of them would have to be started.
 *
 * The times are those at which the monitor read each message, which is 0.1 ms later on an idle machine. It runs before
 * routers when both want a processor.
 */

export interface KernelWatch {
  /** Ends it; everything that was heard, in order. */
  stop(): Promise<KernelEvent[]>
}

/** Bytes of messages that may wait for the reader: thousands of route changes at once. */
const receiveBuffer = 16 * 1024 * 1024

/** Starts listening to the kernels of devices; events carry the device's place in the list as their namespace. */
export async function watchKernels(lab: string, devices: readonly string[]): Promise<KernelWatch> {
  const observer = namespaceOf(lab, 'timeline')
  // Left behind by a recorder that was killed.
  if ((await listNamespaces()).includes(observer)) await deleteNamespaces([observer])
  await createNamespaces([observer])
  await applyIpBatch(
    devices.map((device, index) => `netns set ${namespaceOf(lab, device)} ${index}`),
    { namespace: observer },
  )
  const monitor: Argv = [
    'ip',
    '-oneline',
    '-tshort',
    '-rcvbuf',
    String(receiveBuffer),
    'monitor',
    'all-nsid',
    'link',
    'route',
  ]
  const [command, ...args] = inNamespace(observer, promptly(monitor))
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const events: KernelEvent[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = parseKernelLine(line)
    if (event !== undefined) events.push(event)
  })
  const closed = once(child, 'close')
  const stop = async () => {
    child.kill()
    await closed
    await deleteNamespaces([observer])
    return events
  }
  try {
    await untilSubscribed(child)
  } catch (error) {
    await stop()
    throw error
  }
  return { stop }
}
