/** Every flow as a line in time, with the gaps in which nothing of it was answered. */
import type { FlowOutcome, RepeatResult, TrafficResult } from '../drills/result.ts'
import { html, type Markup } from './html.ts'
import { coordinate as at, axisStep, milliseconds } from './numbers.ts'

export interface Span {
  fromMs: number
  toMs: number
}

const width = 960
const labelWidth = 150
const rowHeight = 9
const phaseNames = {
  detection: 'detected',
  propagation: 'told to others',
  fib: 'written to kernels',
  rest: 'rest',
} as const
/** Flows that were not hit are not drawn one by one beyond this. */
const mostRows = 48

/** Draws all groups of flows of a repeat, its actions and the phases of its worst outage on one axis. */
export function drawFlows(repeat: RepeatResult): Markup {
  const span = spanOf(repeat)
  const x = (ms: number) =>
    labelWidth + ((ms - span.fromMs) / (span.toMs - span.fromMs)) * (width - labelWidth - 8)
  const rows: Markup[] = []
  let y = 30
  if (repeat.phases !== null) {
    rows.push(drawPhases(repeat.phases, y, x))
    y += 30
  }
  for (const group of repeat.traffic) {
    rows.push(html`<text class="group" x="0" y="${y + 9}">${group.name}</text>`)
    const shown = worstFirst(group).slice(0, mostRows)
    for (const flow of shown) {
      rows.push(drawFlow(flow, y, x, span))
      y += rowHeight
    }
    const rest = group.flows.length - shown.length
    if (rest > 0) {
      rows.push(
        html`<text class="quiet" x="${labelWidth}" y="${y + 9}">${rest} more flows, none worse than these</text>`,
      )
      y += 14
    }
    y += 12
  }
  const height = y + 22
  const legend =
    repeat.phases === null
      ? null
      : html` Worst outage: <span class="key detection"></span> until detected, <span class="key propagation"></span> until others were told, <span class="key fib"></span> until kernels were written.`
  const step = axisStep(span.toMs - span.fromMs)
  const first = Math.ceil(span.fromMs / step) * step
  const marks = Array.from(
    { length: Math.floor((span.toMs - first) / step) + 1 },
    (_, index) => first + index * step,
  )
  return html`<figure class="wide"><svg class="flows" viewBox="0 0 ${width} ${height}" role="img" aria-label="Flows over time">
${marks.map((ms) => html`<line class="grid" x1="${at(x(ms))}" x2="${at(x(ms))}" y1="22" y2="${height - 18}"/><text class="mark" x="${at(x(ms))}" y="${height - 4}">${ms === 0 ? '0' : milliseconds(ms).replace(/^-/, '−')}</text>`)}
${drawActions(repeat.actions, span, height, x)}
${rows}
</svg><figcaption>Each line is one flow; <span class="key gap"></span> nothing of it came back.${legend} Time zero is the first fault. Resolution ${milliseconds(Math.max(0, ...repeat.traffic.map(({ resolutionMs }) => resolutionMs)))}.</figcaption></figure>`
}

/** From a little before the first fault to a little after the last thing that happened. */
function spanOf({ actions, traffic, timeline }: RepeatResult): Span {
  const ends = [
    ...actions.map(({ atMs }) => atMs),
    ...traffic.flatMap(({ flows }) => flows.flatMap(({ gaps }) => gaps.map(({ toMs }) => toMs))),
    ...timeline.filter(({ source }) => source !== 'probe').map(({ atMs }) => atMs),
  ]
  const last = Math.max(200, ...ends)
  return { fromMs: -0.08 * last, toMs: last * 1.06 }
}

function drawActions(
  actions: RepeatResult['actions'],
  span: Span,
  height: number,
  x: (ms: number) => number,
): Markup[] {
  let labelEnd = -Infinity
  return actions
    .filter(({ atMs }) => atMs >= span.fromMs && atMs <= span.toMs)
    .map(({ atMs, text }) => {
      const at0 = x(atMs)
      const isFree = at0 > labelEnd
      const room = width - at0
      const label = text.length * 5.6 > room ? `${text.slice(0, Math.floor(room / 5.6) - 1)}…` : text
      if (isFree) labelEnd = at0 + label.length * 5.6 + 8
      return html`<line class="action" x1="${at(at0)}" x2="${at(at0)}" y1="16" y2="${height - 18}"><title>${text}</title></line>${
        isFree ? html`<text class="action" x="${at(at0)}" y="12">${label}</text>` : null
      }`
    })
}

function drawPhases(
  phases: NonNullable<RepeatResult['phases']>,
  y: number,
  x: (ms: number) => number,
): Markup {
  return html`<text class="group" x="0" y="${y + 11}">worst outage</text>${phases.map((phase) => {
    const left = x(phase.fromMs)
    const length = Math.max(1, x(phase.toMs) - left)
    const label = `${phaseNames[phase.name]} ${milliseconds(phase.toMs - phase.fromMs)}`
    return html`<rect class="phase ${phase.name}" x="${at(left)}" y="${y}" width="${at(length)}" height="16" rx="2"><title>${label}</title></rect>${
      length > label.length * 5.4
        ? html`<text class="phase" x="${at(left + length / 2)}" y="${y + 12}">${label}</text>`
        : null
    }`
  })}`
}

function drawFlow(flow: FlowOutcome, y: number, x: (ms: number) => number, span: Span): Markup {
  const middle = y + rowHeight / 2
  return html`<g class="flow"><title>${flow.id}: ${flow.lost} of ${flow.sent} lost, outage ${milliseconds(flow.outageMs)}</title><line x1="${at(x(span.fromMs))}" x2="${at(x(span.toMs))}" y1="${middle}" y2="${middle}"/>${flow.gaps.map(
    ({ fromMs, toMs }) =>
      html`<rect class="gap" x="${at(x(fromMs))}" y="${y + 1}" width="${at(Math.max(1.5, x(Math.min(toMs, span.toMs)) - x(fromMs)))}" height="${rowHeight - 2}"/>`,
  )}</g>`
}

function worstFirst({ flows }: TrafficResult): FlowOutcome[] {
  return [...flows].sort((a, b) => b.outageMs - a.outageMs || b.lost - a.lost)
}
