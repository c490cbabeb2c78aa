/**
 * A drill run as one HTML page that needs nothing else: no network, no script to read it (one line opens everything for
 * printing), light and dark. `renderMarkdown` says the same in a comment's length.
 */
import { outagesByClass } from '../drills/distribution.ts'
import type { DrillRun } from '../drills/result.ts'
import { html, Markup } from './html.ts'
import { count, milliseconds } from './numbers.ts'
import { drawOutages } from './outage-table.ts'
import { drawScenario } from './scenario-section.ts'
import { style } from './style.ts'
import { verdictBadge } from './verdict-badge.ts'

const openForPrint =
  "addEventListener('beforeprint',()=>document.querySelectorAll('details').forEach(d=>{d.open=true}))" +
  ';addEventListener("hashchange",()=>{const d=document.getElementById(decodeURIComponent(location.hash.slice(1)));if(d)d.open=true})'

/** The whole page. */
export function renderReport(run: DrillRun): string {
  const sections = [...run.scenarios].sort((a, b) => rank(a.verdict) - rank(b.verdict))
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${run.fabric}: failover report</title>
<style>${new Markup(style)}</style><script>${new Markup(openForPrint)}</script></head>
<body><header><h1>${run.fabric}: failover report ${verdictBadge(run.verdict)}</h1>
<p class="quiet">${run.startedAt.replace('T', ' ').replace(/\.\d+Z$/, 'Z')} · ${count(run.scenarios.length, 'scenario')} on real FRR routers, every packet accounted for · seed ${run.seed}</p></header>
${drawTiles(run)}
<h2>Outage by failure</h2>
${drawOutages(run)}
<h2>Scenarios</h2>
${sections.map((scenario) => drawScenario(scenario, run.topology))}
<h2>How it was measured</h2>
${describeEnvironment(run)}
</body></html>
`.toString()
}

function rank(verdict: DrillRun['verdict']): number {
  return ['violated', 'undecided', 'ok'].indexOf(verdict)
}

function drawTiles(run: DrillRun): Markup {
  const classes = outagesByClass(run)
  const worst = classes
    .filter(({ isPlanned, verdict }) => !isPlanned && verdict !== 'undecided')
    .sort((a, b) => b.max - a.max)[0]
  const planned = classes.filter(({ isPlanned }) => isPlanned)
  const lost = planned.reduce((sum, outages) => sum + outages.lost, 0)
  const sent = planned.reduce((sum, outages) => sum + outages.sent, 0)
  const number = (verdict: DrillRun['verdict']) =>
    run.scenarios.filter((scenario) => scenario.verdict === verdict).length
  return html`<div class="lead">
<div class="tile"><b>${number('ok')} of ${run.scenarios.length}</b>scenarios as expected${number('violated') > 0 ? `, ${number('violated')} violated` : ''}${number('undecided') > 0 ? `, ${number('undecided')} undecided` : ''}</div>
${worst === undefined ? null : html`<div class="tile"><b>${milliseconds(worst.max)}</b>longest outage of a flow: ${worst.failureClass}</div>`}
${planned.length === 0 ? null : html`<div class="tile"><b>${lost.toLocaleString('en')} lost</b>of ${count(sent, 'packet')} during planned work</div>`}
<div class="tile"><b>${count(run.environment.devices, 'router')}</b>${count(run.environment.sessions, 'BGP session')}, FRR ${run.environment.frr}</div>
</div>`
}

function describeEnvironment({ environment, scenarios }: DrillRun): Markup {
  const { kernel, frr, weft, cpus, memoryMiB, load, bfd } = environment
  const repeats = scenarios.flatMap((scenario) => scenario.repeats)
  const voided = repeats.filter(({ voidedBecause }) => voidedBecause !== null).length
  const worst = Math.max(0, ...repeats.flatMap(({ traffic }) => traffic.map((group) => group.resolutionMs)))
  return html`<dl>
<dt>Fabric</dt><dd>network namespaces and real FRR ${frr} daemons on one machine, Weft ${weft}</dd>
<dt>Machine</dt><dd>${count(cpus, 'CPU')}, ${Math.round(memoryMiB / 1024)} GiB, kernel ${kernel}, load ${load.toFixed(2)} at the start</dd>
<dt>BFD</dt><dd>${bfd.length === 0 ? 'none' : bfd.map((entry) => `${entry.class} ${entry.transmitMs} ms × ${entry.multiplier}`).join(' · ')}</dd>
<dt>Meter</dt><dd>numbered packets at a constant rate; an outage shorter than ${milliseconds(worst)} cannot be told from none${voided > 0 ? `; ${count(voided, 'run')} not counted because the machine stood still` : ''}</dd>
</dl>`
}

/** The same in Markdown, for a merge request or a chat. */
export function renderMarkdown(run: DrillRun): string {
  const classes = outagesByClass(run)
  const cell = (value: number | null) => (value === null ? '–' : milliseconds(value))
  const rows = classes.map(
    ({ failureClass, samples, min, median, p99, max, lost, verdict }) =>
      `| ${failureClass} | ${samples.length} | ${cell(min)} | ${cell(median)} | ${cell(p99)} | ${cell(max)} | ${lost} | ${verdict} |`,
  )
  const bad = run.scenarios.filter(({ verdict }) => verdict !== 'ok')
  const lines = bad.flatMap((scenario) => [
    `- **${scenario.title}**: ${scenario.verdict}`,
    ...scenario.expectations
      .filter(({ verdict }) => verdict !== 'ok')
      .map(({ text, found }) => `  - expected ${text}; found ${found}`),
  ])
  return [
    `# ${run.fabric}: failover report`,
    '',
    `${run.startedAt} · ${count(run.scenarios.length, 'scenario')} · ${count(run.environment.devices, 'router')} · FRR ${run.environment.frr} · verdict **${run.verdict}**`,
    '',
    '| failure | runs | min | median | p99 | max | lost | verdict |',
    '|---|---:|---:|---:|---:|---:|---:|---|',
    ...rows,
    '',
    'Outage of the worst flow of each run; p99 from 100 runs on.',
    ...(lines.length > 0 ? ['', '## Not as expected', '', ...lines] : []),
    '',
  ].join('\n')
}
