import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { basename } from 'node:path'
import { WeftError } from '../diagnostics/error.ts'

/*
 * One way to run a system tool, for everything that asks the machine to do something.
 *
 * A call either resolves with the tool's output or rejects with a WeftError that says what was run, how it ended
 * and what it wrote last. There is always a timeout: a hung tool must never stop an agent for good.
 */

export type Argv = readonly [string, ...string[]]

export interface RunOptions {
  /** Written to the tool's standard input, which is then closed. */
  input?: string
  /** Default 30 s. */
  timeoutMs?: number
  signal?: AbortSignal
  /** The tool is killed when it writes more than this to either stream; default 64 MiB. */
  maxOutputBytes?: number
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Resolve also when the tool ends with another exit code than 0. */
  acceptFailure?: boolean
}

export interface RunResult {
  stdout: string
  stderr: string
  /** 128 + n when the tool was ended by signal n. */
  exitCode: number
}

const debianPackages: Record<string, string> = {
  ip: 'iproute2',
  bridge: 'iproute2',
  tc: 'iproute2',
  ss: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  sysctl: 'procps',
  tcpdump: 'tcpdump',
  ping: 'iputils-ping',
  kubectl: 'kubernetes-client',
  vtysh: 'frr',
  zebra: 'frr',
  bgpd: 'frr',
  bfdd: 'frr',
  staticd: 'frr',
}

/** Runs a tool to its end and returns what it wrote; rejects with a WeftError when it fails. */
export function run(argv: Argv, options: RunOptions = {}): Promise<RunResult> {
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>()
  const timeoutMs = options.timeoutMs ?? 30_000
  const maxOutputBytes = options.maxOutputBytes ?? 64 * 1024 * 1024
  if (options.signal?.aborted) return Promise.reject(abortedError(argv, options.signal))

  const child = start(argv, options)
  const stdout = collect(child.stdout, maxOutputBytes, () => stop('output'))
  const stderr = collect(child.stderr, maxOutputBytes, () => stop('output'))
  let stopped: 'timeout' | 'abort' | 'output' | undefined
  function stop(reason: 'timeout' | 'abort' | 'output'): void {
    stopped ??= reason
    child.kill('SIGKILL')
  }
  const timer = setTimeout(() => stop('timeout'), timeoutMs)
  const onAbort = () => stop('abort')
  options.signal?.addEventListener('abort', onAbort, { once: true })

  child.on('error', (cause) => finish(() => reject(startError(argv, cause))))
  child.on('close', (code, signal) =>
    finish(() => {
      const result = { stdout: stdout(), stderr: stderr(), exitCode: code ?? 128 + signalNumber(signal) }
      if (stopped === 'abort') reject(abortedError(argv, options.signal))
      else if (stopped !== undefined) reject(stoppedError(argv, stopped, { timeoutMs, maxOutputBytes }))
      else if (result.exitCode !== 0 && !options.acceptFailure) reject(failedError(argv, result))
      else resolve(result)
    }),
  )
  function finish(settle: () => void): void {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', onAbort)
    settle()
  }
  return promise
}

function start(argv: Argv, options: RunOptions): ChildProcessWithoutNullStreams {
  const [command, ...rest] = argv
  const child = spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  })
  // A tool that exits before reading its input is reported by its exit code, not by EPIPE.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  return child
}

function collect(stream: NodeJS.ReadableStream, maxBytes: number, onOverflow: () => void): () => string {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > maxBytes) onOverflow()
    else chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

function startError(argv: Argv, cause: NodeJS.ErrnoException): WeftError {
  const tool = basename(argv[0])
  if (cause.code !== 'ENOENT')
    return new WeftError('WEFT_TOOL_START', `could not start "${argv.join(' ')}": ${cause.message}`, {
      cause,
      exitCode: 3,
    })
  const debianPackage = debianPackages[tool]
  return new WeftError(
    'WEFT_TOOL_MISSING',
    `the tool "${tool}" is not installed (needed to run "${argv.join(' ')}")`,
    {
      hint: debianPackage
        ? `install it: apt-get install ${debianPackage}`
        : `install the package that brings "${tool}", or correct PATH`,
      exitCode: 3,
      cause,
    },
  )
}

function failedError(argv: Argv, result: RunResult): WeftError {
  const said = lastLines(result.stderr) || lastLines(result.stdout) || 'it wrote nothing'
  const permission = /not permitted|permission denied/i.test(said)
  return new WeftError(
    'WEFT_TOOL_FAILED',
    `"${argv.join(' ')}" ended with exit code ${result.exitCode}: ${said}`,
    {
      ...(permission
        ? { hint: 'run as root (CAP_NET_ADMIN and CAP_SYS_ADMIN are needed)', exitCode: 3 }
        : {}),
    },
  )
}

function stoppedError(
  argv: Argv,
  reason: 'timeout' | 'output',
  limits: { timeoutMs: number; maxOutputBytes: number },
): WeftError {
  const why =
    reason === 'timeout'
      ? `did not end within ${limits.timeoutMs / 1000} s`
      : `wrote more than ${limits.maxOutputBytes} bytes`
  const code = reason === 'timeout' ? 'WEFT_TOOL_TIMEOUT' : 'WEFT_TOOL_OUTPUT'
  return new WeftError(code, `"${argv.join(' ')}" ${why} and was killed`)
}

function abortedError(argv: Argv, signal: AbortSignal | undefined): WeftError {
  return new WeftError('WEFT_TOOL_ABORTED', `"${argv.join(' ')}" was cancelled`, { cause: signal?.reason })
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join('; ')
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === 'SIGKILL' ? 9 : signal === 'SIGTERM' ? 15 : signal === 'SIGINT' ? 2 : 1
}
