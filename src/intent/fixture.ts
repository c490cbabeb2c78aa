/** What the tests of this folder share: small files, and their diagnostics as people see them. */
import { formatDiagnostic } from '../diagnostics/format.ts'
import { loadIntent } from './load.ts'
import type { Intent } from './model.ts'

/** Indented as the value of a site, with every range derived from the site's number. */
export function addresses(site: number): string {
  const base = `10.${site}`
  return `addresses: { switches: ${base}.0.0/24, nodes: ${base}.1.0/24, pods: ${base}.2.0/24, services: ${base}.3.0/24 }`
}

/** One site that loads clean; `rest` is appended at the top level. */
export function oneSite(rest = '', site = ''): string {
  return `sites:\n  dc1:\n    ${addresses(1)}\n${indent(site)}${rest}\n`
}

/** Two sites joined by DCI routers, each with an edge. */
export function twoSites(rest = ''): string {
  const routers = '    dci: {}\n    edge: { asn: 64512 }\n'
  return `sites:\n  dc1:\n    ${addresses(1)}\n${routers}  dc2:\n    ${addresses(2)}\n${routers}${rest}\n`
}

/** Every diagnostic of the text, formatted, in the order it is printed. */
export function explain(text: string, env: Record<string, string> = {}): string {
  return loadIntent(text, { file: 'weft.yaml', env })
    .diagnostics.map((diagnostic) => formatDiagnostic(diagnostic))
    .join('\n')
}

/** The intent of a text that must have no diagnostics at all. */
export function loadClean(text: string, env: Record<string, string> = {}): Intent {
  const { intent, diagnostics } = loadIntent(text, { file: 'weft.yaml', env })
  if (intent === null || diagnostics.length > 0) throw new Error(explain(text, env))
  return intent
}

function indent(text: string): string {
  return text === '' ? '' : `    ${text.replaceAll('\n', '\n    ')}\n`
}
