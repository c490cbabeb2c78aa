/** The first thing that a reader wants: how long each kind of failure was felt, all runs of it in one line. */
import { type ClassOutages, outagesByClass } from '../drills/distribution.ts'
import type { DrillRun } from '../drills/result.ts'
import { html, type Markup } from './html.ts'
import { coordinate as at, axisStep, milliseconds } from './numbers.ts'
import { verdictBadge } from './verdict-badge.ts'

const plotWidth = 300
const plotHeight = 22

/** Table of all failure classes, unplanned ones first, the longest outage first. */
export function drawOutages(run: DrillRun): Markup {
  const classes = outagesByClass(run)
  const longest = Math.max(50, ...classes.map(({ max }) => max))
  const unplanned = classes.filter(({ isPlanned }) => !isPlanned).sort((a, b) => b.max - a.max)
  const planned = classes.filter(({ isPlanned }) => isPlanned).sort((a, b) => b.max - a.max)
  return html`<div class="wide"><table class="outages">
<thead><tr><th>Failure</th><th class="number">runs</th><th class="number">min</th><th class="number">median</th><th class="number">p99</th><th class="number">max</th><th class="number">lost</th><th>${drawAxis(longest)}</th><th>Verdict</th></tr></thead>
${drawGroup('Failures', unplanned, longest)}${drawGroup('Planned work', planned, longest)}
</table></div><p class="quiet">Outage of the worst flow of each run: from the first packet lost to the next that was answered. A p99 is given from 100 runs on.</p>`
}

function drawGroup(title: string, classes: readonly ClassOutages[], longest: number): Markup | null {
  if (classes.length === 0) return null
  return html`<tbody><tr class="group"><th colspan="9">${title}</th></tr>
${classes.map((outages) => drawClass(outages, longest))}</tbody>`
}

function drawClass(outages: ClassOutages, longest: number): Markup {
  const { failureClass, samples, min, median, p99, max, lost, voided, verdict, scenarios } = outages
  const hasSamples = samples.length > 0
  const cell = (value: number | null) =>
    html`<td class="number">${hasSamples && value !== null ? milliseconds(value) : '–'}</td>`
  return html`<tr><td><a href="#${scenarios[0]}">${failureClass}</a></td><td class="number">${samples.length}${
    voided > 0
      ? html` <span class="quiet" title="voided: the machine stood still">+${voided} void</span>`
      : null
  }</td>${cell(min)}${cell(median)}${cell(p99)}${cell(max)}<td class="number">${lost.toLocaleString('en')}</td><td>${drawStrip(samples, median, longest)}</td><td>${verdictBadge(verdict)}</td></tr>
`
}

function drawStrip(samples: readonly number[], median: number, longest: number): Markup {
  const x = (value: number) => at(6 + (value / longest) * (plotWidth - 12))
  const middle = plotHeight / 2
  return html`<svg class="strip" width="${plotWidth}" height="${plotHeight}" role="img" aria-label="${samples.map(milliseconds).join(', ')}"><line class="rule" x1="6" x2="${plotWidth - 6}" y1="${middle}" y2="${middle}"/>${samples.map(
    (value) => html`<circle cx="${x(value)}" cy="${middle}" r="4"/>`,
  )}${samples.length > 2 ? html`<line class="median" x1="${x(median)}" x2="${x(median)}" y1="3" y2="${plotHeight - 3}"/>` : null}</svg>`
}

function drawAxis(longest: number): Markup {
  const step = axisStep(longest)
  const marks = Array.from({ length: Math.floor(longest / step) + 1 }, (_, index) => index * step)
  const x = (value: number) => 6 + (value / longest) * (plotWidth - 12)
  return html`<svg class="strip axis" width="${plotWidth}" height="16" aria-hidden="true">${marks
    .filter((value) => x(value) < plotWidth - 14 || value === 0)
    .map(
      (value) =>
        html`<text x="${at(x(value))}" y="12" text-anchor="${value === 0 ? 'start' : 'middle'}">${value === 0 ? '0' : milliseconds(value)}</text>`,
    )}</svg>`
}
