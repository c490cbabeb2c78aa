/** One scenario: what was done, what was expected, what was found, and the picture of the repeat that decided. */
import { worstOutageOf } from '../drills/distribution.ts'
import type { FlowOutcome, RepeatResult, ScenarioResult, Topology } from '../drills/result.ts'
import { drawBalance } from './balance-drawing.ts'
import { listEvents } from './event-table.ts'
import { drawFlows } from './flow-drawing.ts'
import { html, type Markup } from './html.ts'
import { count, milliseconds } from './numbers.ts'
import { drawTopology } from './topology-drawing.ts'
import { verdictBadge } from './verdict-badge.ts'

/** Draws a scenario; what did not go well is open from the start. */
export function drawScenario(scenario: ScenarioResult, topology: Topology): Markup {
  const { name, title, verdict, repeats } = scenario
  const shown = worstRepeat(repeats)
  const voided = repeats.flatMap(({ voidedBecause }) => voidedBecause ?? [])
  return html`<details id="${name}" class="scenario"${verdict === 'ok' ? null : html` open`}><summary><h3>${title}</h3><span class="result">${summarize(scenario)}</span>${verdictBadge(verdict)}</summary>
${listExpectations(scenario)}
${voided.length > 0 ? html`<p class="void">Not counted: ${voided.join('; ')}.</p>` : null}
${shown === undefined ? null : drawRepeat(shown, topology, repeats)}
</details>`
}

function drawRepeat(repeat: RepeatResult, topology: Topology, all: readonly RepeatResult[]): Markup {
  const worst = worstFlow(repeat)
  return html`${all.length > 1 ? html`<p class="quiet">Shown: repeat ${all.indexOf(repeat) + 1} of ${all.length}, the one with the longest outage.</p>` : null}
${drawTopology(topology, {
  ...repeat.marked,
  pathBefore: worst?.pathBefore ?? [],
  pathAfter: worst?.pathAfter ?? [],
})}
${drawFlows(repeat)}
${drawBalance(repeat.traffic)}
${listEvents(repeat.timeline)}`
}

/** What one reads without opening it. */
function summarize({ repeats, isPlanned }: ScenarioResult): string {
  const valid = repeats.filter(({ voidedBecause }) => voidedBecause === null)
  if (valid.length === 0) return 'no run counts'
  const flows = valid.flatMap(({ traffic }) => traffic.flatMap((group) => group.flows))
  const sum = (field: 'lost' | 'sent' | 'reset') => flows.reduce((total, flow) => total + flow[field], 0)
  const resets = sum('reset') > 0 ? `, ${count(sum('reset'), 'connection')} reset` : ''
  if (isPlanned) return `${sum('lost')} of ${count(sum('sent'), 'packet')} lost${resets}`
  const worst = Math.max(...valid.map(worstOutageOf))
  const hit = flows.filter(({ lost }) => lost > 0).length
  if (hit === 0) return `nothing lost in ${count(sum('sent'), 'packet')}${resets}`
  return `worst flow ${milliseconds(worst)}, ${hit} of ${count(flows.length, 'flow')} hit${resets}`
}

function listExpectations({ expectations }: ScenarioResult): Markup | null {
  if (expectations.length === 0) return null
  return html`<div class="wide"><table class="expectations"><thead><tr><th>Expected</th><th>Found</th><th>Verdict</th></tr></thead><tbody>
${expectations.map(
  ({ text, found, source, path, verdict }) =>
    html`<tr><td>${text} <span class="quiet">${source} ${path}</span></td><td>${found}</td><td>${verdictBadge(verdict)}</td></tr>
`,
)}</tbody></table></div>`
}

function worstRepeat(repeats: readonly RepeatResult[]): RepeatResult | undefined {
  const valid = repeats.filter(({ voidedBecause }) => voidedBecause === null)
  const ranked = [...(valid.length > 0 ? valid : repeats)].sort((a, b) => worstOutageOf(b) - worstOutageOf(a))
  return ranked[0]
}

/** The flow that suffered most among those whose way is known. */
function worstFlow({ traffic }: RepeatResult): FlowOutcome | undefined {
  return traffic
    .flatMap(({ flows }) => flows)
    .filter(({ pathBefore }) => pathBefore.length > 0)
    .sort((a, b) => b.outageMs - a.outageMs)[0]
}
