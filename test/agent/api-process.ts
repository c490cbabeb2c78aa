import { createApiServer } from '../../src/lab/kubernetes/api-server/api-server.ts'

/*
 * An API server in a network namespace of its own, for tests: requests come from the test over the IPC channel, since
 * a process outside the namespace cannot reach it.
 */

interface Command {
  id: number
  method: string
  path: string
  body?: unknown
}

const port = Number(process.argv[2])
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const options = { log: silent as never, serviceCidrs: ['10.96.0.0/16', 'fd96::/112'] }
const server = createApiServer(options)
await server.listen(process.argv[3] ?? '127.0.0.1', port)

process.on('message', (command: Command) => {
  answer(command).then(
    (reply) => process.send?.({ id: command.id, ...reply }),
    (error) => process.send?.({ id: command.id, code: 0, body: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ id: 0 })

async function answer({ method, path, body }: Command): Promise<{ code: number; body: unknown }> {
  if (method === 'END-WATCHES') {
    server.endWatches()
    return { code: 200, body: null }
  }
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { code: response.status, body: await response.json() }
}
