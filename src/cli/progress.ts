/*
 * What is being done, for whoever waits. On a terminal one line that is rewritten and gone at the end; elsewhere (a
 * log, a pipe) a plain line for every step, after it ended and only if it took over a second, so that quick commands
 * are silent and logs of slow ones say where the time went.
 */

const quietMilliseconds = 1000
const rewriteMilliseconds = 80

export interface ProgressStream {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

export interface Progress {
  /** Runs one step under its label, such as `planning`, and passes its result on. */
  during<T>(label: string, step: (progress: { detail(text: string): void }) => T | Promise<T>): Promise<T>
}

/** Progress on a stream; `now` is for tests. */
export function createProgress(stream: ProgressStream = process.stderr, now = Date.now): Progress {
  const isTerminal = stream.isTTY === true

  async function during<T>(
    label: string,
    step: (progress: { detail(text: string): void }) => T | Promise<T>,
  ): Promise<T> {
    const started = now()
    let lastWrite = started
    if (isTerminal) rewrite(`${label} …`)
    try {
      return await step({
        detail(text) {
          if (!isTerminal || now() - lastWrite < rewriteMilliseconds) return
          lastWrite = now()
          rewrite(`${label}: ${text}`)
        },
      })
    } finally {
      const elapsed = now() - started
      if (isTerminal) stream.write('\r\u001b[K')
      else if (elapsed > quietMilliseconds) stream.write(`${label}: ${(elapsed / 1000).toFixed(1)} s\n`)
    }
  }

  function rewrite(text: string): void {
    // A line longer than the terminal would wrap, and only its last part would be erased.
    stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}`)
  }

  return { during }
}
