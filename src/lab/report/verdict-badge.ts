import type { Verdict } from '../drills/result.ts'
import { html, type Markup } from './html.ts'

const signs: Record<Verdict, string> = { ok: '✓', violated: '✗', undecided: '?' }

/** A verdict that can be told without colour. */
export function verdictBadge(verdict: Verdict): Markup {
  return html`<span class="verdict ${verdict}">${signs[verdict]} ${verdict}</span>`
}
