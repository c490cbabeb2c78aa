import { worstOutageOf } from '../lab/drills/distribution.ts'
import type { DrillProgress } from '../lab/drills/run-drills.ts'

/*
 * What a run is doing, for whoever waits: on standard error, a line a drill; on a terminal also what happens in it.
 */

/** Shows progress; `clear` removes the line that is rewritten. */
export function showDrillProgress(stream: NodeJS.WriteStream = process.stderr): {
  show: (progress: DrillProgress) => void
  clear: () => void
} {
  const isTerminal = stream.isTTY === true
  let place = ''
  const clear = () => {
    if (isTerminal) stream.write('\r\u001b[K')
  }
  const rewrite = (text: string) => {
    if (isTerminal) stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}`)
  }
  const line = (text: string) => {
    clear()
    stream.write(`${text}\n`)
  }
  const show = (progress: DrillProgress) => {
    switch (progress.kind) {
      case 'drill':
        place = `${progress.index + 1}/${progress.total}`
        rewrite(
          `${place} ${progress.drill.name}${progress.repeat > 0 ? `, repeat ${progress.repeat + 1}` : ''}`,
        )
        return
      case 'action':
        rewrite(`${place} ${progress.text}`)
        return
      case 'voided':
        line(`${place} again: ${progress.why}`)
        return
      case 'skipped':
        line(`${place} ${progress.drill.name}: not in this fabric: ${progress.why}`)
        return
      case 'result': {
        const { name, verdict, repeats } = progress.result
        const valid = repeats.filter(({ voidedBecause }) => voidedBecause === null)
        const worst = Math.max(0, ...valid.map(worstOutageOf))
        const lost = valid
          .flatMap(({ traffic }) => traffic.flatMap(({ flows }) => flows))
          .reduce((sum, flow) => sum + flow.lost, 0)
        line(
          `${place} ${name}: ${verdict}${valid.length === 0 ? '' : `, worst outage ${worst.toFixed(0)} ms, ${lost} lost`}`,
        )
      }
    }
  }
  return { show, clear }
}
