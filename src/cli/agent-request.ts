import { request } from 'node:http'
import { WeftError } from '../diagnostics/error.ts'

/** Asks an agent over its status socket and returns the parsed answer. */
export async function askAgent<T>(
  socketPath: string,
  path: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const outgoing = request({ socketPath, path, method, timeout: 5_000 }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', (error) => reject(unreachable(socketPath, error)))
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
    )
  })
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 5 s')))
  outgoing.on('error', (error) => reject(unreachable(socketPath, error)))
  outgoing.end()
  const { status, text } = await promise
  if (status >= 200 && status < 300) return JSON.parse(text) as T
  throw refused(socketPath, path, status, text)
}

function unreachable(socketPath: string, error: NodeJS.ErrnoException): WeftError {
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new WeftError('WEFT_AGENT_PERMISSION', `no permission to talk to the agent at ${socketPath}`, {
      hint: 'run it with sudo: only the machine’s administrators may',
      exitCode: 3,
      cause: error,
    })
  }
  const isAbsent = error.code === 'ENOENT'
  const why = isAbsent
    ? 'there is no such socket'
    : error.code === 'ECONNREFUSED'
      ? 'it has ended'
      : error.message
  return new WeftError('WEFT_AGENT_SILENT', `no agent answers at ${socketPath}: ${why}`, {
    hint: isAbsent
      ? 'run this on a node, name its socket with --socket (statusSocket of its configuration), or a lab with --lab'
      : 'look at the agent’s Pod or service and its log; routes stay as they are meanwhile',
    exitCode: 4,
    cause: error,
  })
}

function refused(socketPath: string, path: string, status: number, text: string): WeftError {
  const { code, message, hint } = parseError(text)
  return new WeftError(
    code ?? 'WEFT_AGENT_ANSWER',
    message ?? `the agent at ${socketPath} answered ${status} to ${path}`,
    { hint: hint ?? 'agent and command line may be of different releases: weft --version', exitCode: 4 },
  )
}

function parseError(text: string): { code?: string; message?: string; hint?: string } {
  try {
    return (JSON.parse(text) as { error?: object }).error ?? {}
  } catch {
    return {}
  }
}
