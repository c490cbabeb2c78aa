import type { LabProgress, OnProgress } from '../lab/progress.ts'

/*
 * A lab's progress, for whoever waits: on a terminal one line that is rewritten, elsewhere a line for every step that
 * is complete, and one a few seconds apart for what is waited for.
 */

const rewriteMilliseconds = 80
const repeatMilliseconds = 5000

/** Shows progress on standard error; `clear` removes the line before something else is written. */
export function showLabProgress(stream: NodeJS.WriteStream = process.stderr): {
  show: OnProgress
  clear: () => void
} {
  const started = Date.now()
  const isTerminal = stream.isTTY === true
  const finished = new Set<string>()
  let lastWrite = 0
  let reasons: { text: string; until: number } = { text: '', until: 0 }

  function show(progress: LabProgress): void {
    if (progress.kind === 'notice') {
      clear()
      stream.write(`note: ${progress.text}\n`)
      return
    }
    const { step, done, total, waitingFor = [] } = progress
    const now = Date.now()
    if (waitingFor.length > 0) reasons = { text: ` (${waitingFor.join('; ')})`, until: now + 2000 }
    const elapsed = `${((now - started) / 1000).toFixed(1)} s`
    if (isTerminal) {
      if (now - lastWrite < rewriteMilliseconds && done < total) return
      lastWrite = now
      const why = step === 'sessions' && now < reasons.until ? reasons.text : ''
      stream.write(
        `\r\u001b[K${`${elapsed}  ${step} ${done}/${total}${why}`.slice(0, (stream.columns ?? 80) - 1)}`,
      )
    } else if (done === total) {
      if (!finished.has(step)) stream.write(`${elapsed}  ${step} ${done}/${total}\n`)
      finished.add(step)
    } else if (waitingFor.length > 0 && now - lastWrite > repeatMilliseconds) {
      lastWrite = now
      stream.write(`${elapsed}  ${step} ${done}/${total}: ${waitingFor.join('; ')}\n`)
    }
  }

  function clear(): void {
    if (isTerminal) stream.write('\r\u001b[K')
  }

  return { show, clear }
}
