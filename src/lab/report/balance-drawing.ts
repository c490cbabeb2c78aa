/** Who answered how much, before and after, beside the share that would be even. */
import type { Share, TrafficResult } from '../drills/result.ts'
import { html, type Markup } from './html.ts'
import { count, percent } from './numbers.ts'

/** Table of shares for every group of flows that more than one host could answer. */
export function drawBalance(traffic: readonly TrafficResult[]): Markup | null {
  const groups = traffic.filter(({ balance }) => balance.before.length > 1 || balance.after.length > 1)
  if (groups.length === 0) return null
  return html`<h4>Balance</h4>${groups.map(drawGroup)}`
}

function drawGroup({ name, balance, movedNeedlessly, flows }: TrafficResult): Markup {
  const names = [...new Set([...balance.before, ...balance.after].map((share) => share.name))].sort()
  const find = (shares: readonly Share[], host: string) => shares.find((share) => share.name === host)
  return html`<div class="wide"><table class="balance"><caption>${name}: ${count(flows.length, 'flow')}${
    movedNeedlessly > 0
      ? html`, <strong>${movedNeedlessly} moved that need not have</strong>`
      : ', none moved that need not have'
  }</caption><thead><tr><th>Answered by</th><th class="number">before</th><th></th><th class="number">after</th><th></th></tr></thead><tbody>
${names.map((host) => html`<tr><td>${host}</td>${drawShare(find(balance.before, host))}${drawShare(find(balance.after, host))}</tr>`)}
</tbody></table></div>`
}

function drawShare(share: Share | undefined): Markup {
  if (share === undefined) return html`<td class="number quiet">–</td><td></td>`
  const width = 140
  return html`<td class="number">${percent(share.share)}</td><td><svg class="share" width="${width}" height="14" role="img" aria-label="ideal ${percent(share.ideal)}"><rect x="0" y="2" width="${Math.round(share.share * width)}" height="10" rx="2"/><line x1="${Math.round(share.ideal * width)}" x2="${Math.round(share.ideal * width)}" y1="0" y2="14"/></svg></td>`
}
