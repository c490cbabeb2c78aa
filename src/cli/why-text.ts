import { type Output, paint } from './output.ts'
import { formatTable } from './table.ts'
import type { Reason, WhyAddress, WhyNode, WhyReport } from './why-report.ts'

/** Prints a report for a person: per address what works in a table, then what does not, each cause once. */
export function printReport(report: WhyReport, output: Output): void {
  for (const [index, address] of report.addresses.entries()) {
    if (index > 0) output.print('')
    printAddress(address, output)
  }
  if (report.problems.length > 0 && report.addresses.length > 0) output.print('')
  const groups = Map.groupBy(report.problems, ({ code, text, object }) => `${code}\n${text}\n${object ?? ''}`)
  for (const group of groups.values())
    printReason(
      group[0]!,
      group.map(({ where }) => where),
      output,
    )
}

function printAddress({ address, cluster, services, nodes }: WhyAddress, output: Output): void {
  const announcing = nodes.filter((node) => node.isAnnounced)
  const where = cluster === undefined ? '' : ` in ${cluster}`
  const color = announcing.length > 0 ? 'green' : 'red'
  const verdict =
    announcing.length > 0
      ? `announced by ${announcing.length} of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`
      : 'announced nowhere'
  output.print(`${paint(output, 'bold', address)}  ${services.join(', ')}${where}`)
  output.print(`  ${paint(output, color, verdict)}`)
  const rows = nodes.flatMap(rowsOf)
  if (rows.length > 0) {
    output.print('')
    const table = formatTable(rows, [
      { header: 'NODE', value: (row) => row.node },
      { header: 'NEIGHBOR', value: (row) => row.neighbor },
      { header: 'STATE', value: (row) => row.state },
      { header: 'ATTRIBUTES', value: (row) => row.attributes },
    ])
    output.print(indent(table))
  }
  printCauses(nodes, output)
}

interface Row {
  node: string
  neighbor: string
  state: string
  attributes: string
}

function rowsOf(node: WhyNode): Row[] {
  return node.neighbors.map(({ neighbor, hostname, text }, index) => ({
    node: index === 0 ? node.node : ' ',
    neighbor: hostname === undefined ? neighbor : `${neighbor} ${hostname}`,
    state: text,
    attributes: index === 0 ? attributesText(node) : ' ',
  }))
}

function attributesText({ attributes = {}, communities = [] }: WhyNode): string {
  const words = Object.entries(attributes).map(([name, value]) => `${name} ${value}`)
  return [...words, ...communities].join(', ')
}

/** Each cause once, with all nodes it holds for. */
function printCauses(nodes: readonly WhyNode[], output: Output): void {
  const causes = nodes.flatMap((node): { where: string; reason: Reason }[] => {
    // The same sentence about several nodes is one cause.
    const reasons: Reason[] = node.reason === undefined ? [] : [impersonal(node.reason, node.node)]
    for (const { hostname, neighbor, code, text, mend } of node.neighbors) {
      if (mend !== undefined && code !== 'sent' && node.reason === undefined)
        reasons.push({ code, text: `to ${hostname ?? neighbor}: ${text}`, mend })
    }
    return reasons.map((reason) => ({ where: node.node, reason }))
  })
  const groups = Map.groupBy(causes, ({ reason: { code, text, object } }) => `${code}\n${text}\n${object}`)
  for (const group of groups.values()) {
    output.print('')
    printReason(
      group[0]!.reason,
      group.map(({ where }) => where),
      output,
      '  ',
    )
  }
  const sent = nodes.flatMap((node) => node.neighbors).find(({ code }) => code === 'sent')
  if (sent?.mend !== undefined) output.print(`\n  ${sent.mend}`)
}

function impersonal(reason: Reason, node: string): Reason {
  return { ...reason, text: reason.text.replaceAll(node, 'this node') }
}

function printReason(reason: Reason, where: readonly string[], output: Output, margin = ''): void {
  output.print(`${margin}${paint(output, 'yellow', reason.code)}  on ${where.join(', ')}`)
  output.print(`${margin}  ${reason.text}`)
  if (reason.object !== undefined) output.print(`${margin}  at fault: ${reason.object}`)
  output.print(paint(output, 'cyan', `${margin}  mend: ${reason.mend}`))
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
