/** What the fabric said, in order: the explanation beside the measurement. */
import type { TimelineEvent } from '../timeline/model.ts'
import { html, type Markup } from './html.ts'
import { count } from './numbers.ts'

/** More lines than this are read by nobody; the JSON has them all. */
const mostEvents = 60

/** Table of events; equal ones of one device at one moment become one line. */
export function listEvents(events: readonly TimelineEvent[]): Markup | null {
  if (events.length === 0) return null
  const lines = merge(events)
  const shown = lines.slice(0, mostEvents)
  return html`<h4>What happened</h4><div class="wide"><table class="events"><thead><tr><th class="number">ms</th><th>device</th><th>source</th><th>event</th></tr></thead><tbody>
${shown.map(
  ({ atMs, device, source, subject, text }) =>
    html`<tr><td class="number">${atMs.toFixed(1).replace('-', '−')}</td><td>${device}</td><td><span class="source ${source}">${source}</span></td><td>${subject} ${text}</td></tr>
`,
)}</tbody></table></div>${lines.length > shown.length ? html`<p class="quiet">${count(lines.length - shown.length, 'more line')} in the JSON.</p>` : null}`
}

function merge(events: readonly TimelineEvent[]): TimelineEvent[] {
  const merged: (TimelineEvent & { others: number })[] = []
  for (const event of [...events].sort((a, b) => a.atMs - b.atMs)) {
    const last = merged.at(-1)
    const isSame =
      last !== undefined &&
      last.device === event.device &&
      last.source === event.source &&
      last.text === event.text &&
      event.atMs - last.atMs < 5
    if (isSame) last.others++
    else merged.push({ ...event, others: 0 })
  }
  return merged.map(({ others, ...event }) =>
    others === 0 ? event : { ...event, subject: `${event.subject} and ${others} more:` },
  )
}
