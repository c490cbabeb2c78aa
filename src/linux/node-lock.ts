import { createServer, type Server } from 'node:net'
import { WeftError } from '../diagnostics/error.ts'

/*
 * A lock that one process of a network namespace can hold: an abstract Unix socket. Its name lives in the kernel, in the
 * namespace whose addresses and routes are at stake, and is free the moment its owner dies, however it dies. There is no
 * file to be left behind, to be deleted by a cleaner, or to lie on a volume that two containers do not share.
 */

export interface NodeLock {
  release(): void
}

/** Takes the lock of that name, or rejects when a process (say which: `another agent`) holds it already. */
export async function takeNodeLock(name: string, rival: string): Promise<NodeLock> {
  const server: Server = createServer((socket) => socket.destroy())
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ path: `\0${name}` }, resolve)
  await promise.catch((cause: NodeJS.ErrnoException) => {
    const isTaken = cause.code === 'EADDRINUSE'
    throw new WeftError(
      isTaken ? 'WEFT_AGENT_RUNNING' : 'WEFT_NODE_LOCK',
      isTaken
        ? `${rival} holds "${name}" in this network namespace`
        : `cannot take "${name}": ${cause.message}`,
      {
        hint: isTaken
          ? `stop the other one; its process id: ss -xlp | grep ${name}`
          : 'abstract Unix sockets must be allowed (AppArmor and SELinux can forbid them)',
        exitCode: isTaken ? 1 : 3,
        cause,
      },
    )
  })
  // Holding it is no reason for the process to live on.
  server.unref()
  return { release: () => server.close() }
}
