/** Where the node runtime says what changed; the lab sends it to the node's log file. */
export type Log = (message: string, fields?: Record<string, unknown>) => void

/**
 * One JSON line on standard error for each change of state. Not pino: ten runtimes start at once on two cores, and
 * loading it would be a third of what each of them does until it is up.
 */
export function createLog(nodeName: string): Log {
  return (message, fields = {}) => {
    const line = JSON.stringify({ time: new Date().toISOString(), node: nodeName, message, ...fields })
    process.stderr.write(`${line}\n`)
  }
}

/** An error in one line, for a log field. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
