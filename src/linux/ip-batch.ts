import { WeftError } from '../diagnostics/error.ts'
import { type Argv, type RunOptions, run } from './run.ts'

/*
 * Everything plural that is done with iproute2 goes through one `ip -batch -` process: 600 operations cost 150 ms
 * that way and 1.4 s as processes of their own. iproute2 answers a failed line with `Command failed -:N`; that N is
 * turned back into the operation, since "Command failed" alone tells nobody anything.
 */

export interface IpBatchOptions extends Pick<RunOptions, 'timeoutMs' | 'signal'> {
  /** Network namespace the operations act in. */
  namespace?: string
}

export interface IpFailure {
  /** The operation as it was given, without the leading `ip`. */
  operation: string
  reason: string
}

/** Applies operations in order and rejects on the first that fails; those before it stay applied. */
export async function applyIpBatch(
  operations: readonly string[],
  options: IpBatchOptions = {},
): Promise<void> {
  const [failure] = await runBatch(operations, options, false)
  if (failure === undefined) return
  const index = operations.indexOf(failure.operation)
  throw new WeftError(
    'WEFT_IP_FAILED',
    `"ip ${failure.operation}" was refused${where(options)}: ${failure.reason} (operation ${index + 1} of ${operations.length})`,
    /not permitted/i.test(failure.reason)
      ? { hint: 'run as root (CAP_NET_ADMIN is needed)', exitCode: 3 }
      : {},
  )
}

/** Applies every operation it can and returns those that were refused. */
export async function tryIpBatch(
  operations: readonly string[],
  options: IpBatchOptions = {},
): Promise<IpFailure[]> {
  return await runBatch(operations, options, true)
}

async function runBatch(
  operations: readonly string[],
  options: IpBatchOptions,
  force: boolean,
): Promise<IpFailure[]> {
  if (operations.length === 0) return []
  const { namespace, ...runOptions } = options
  const argv: Argv = [
    'ip',
    ...(namespace === undefined ? [] : ['-netns', namespace]),
    ...(force ? ['-force'] : []),
    '-batch',
    '-',
  ]
  const result = await run(argv, {
    timeoutMs: 120_000,
    ...runOptions,
    input: `${operations.join('\n')}\n`,
    acceptFailure: true,
  })
  if (result.exitCode === 0) return []
  const failures = parseBatchFailures(result.stderr, operations)
  if (failures.length > 0 && !abortedByParser(result.exitCode)) return failures
  // A line that iproute2 cannot parse ends the whole batch without a line number, even with -force.
  throw new WeftError('WEFT_IP_FAILED', `ip -batch ended early${where(options)}: ${result.stderr.trim()}`)
}

/** Reads `Command failed -:N` and the complaint above it out of iproute2's standard error. */
export function parseBatchFailures(
  stderr: string,
  operations: readonly string[],
  firstLine = 1,
): IpFailure[] {
  const failures: IpFailure[] = []
  let reason: string[] = []
  for (const line of stderr.split('\n')) {
    const number = /^Command failed -:(\d+)/.exec(line)?.[1]
    if (number === undefined) {
      if (line.trim() !== '') reason.push(line.trim().replace(/^(RTNETLINK answers|Error): /, ''))
      continue
    }
    const operation = operations[Number(number) - firstLine] ?? `(line ${number})`
    failures.push({ operation, reason: reason.join('; ') || 'no reason given' })
    reason = []
  }
  return failures
}

function abortedByParser(exitCode: number): boolean {
  return exitCode === 255
}

function where(options: IpBatchOptions): string {
  return options.namespace === undefined ? '' : ` in namespace ${options.namespace}`
}
