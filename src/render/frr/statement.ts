/*
 * FRR configuration as a tree, so that printing, reading section by section and comparing all see the same thing.
 *
 * A statement is one line; a block is a line that opens a section (`router bgp`, `interface`, `route-map`) together
 * with what stands inside and the word that closes it. Nothing here knows what the lines mean.
 */

export interface Statement {
  text: string
  /** Null for a plain line; a block may be empty. */
  children: Statement[] | null
  exit: string
}

/** One line of configuration. */
export function line(text: string): Statement {
  return { text, children: null, exit: '' }
}

/** A section: its header, what it holds, and the word that leaves it. */
export function block(header: string, children: Statement[], exit = 'exit'): Statement {
  return { text: header, children, exit }
}

/** Text of a configuration whose sections are set apart by `!`, FRR's comment sign; empty sections vanish. */
export function printSections(sections: Statement[][]): string {
  const lines: string[] = []
  for (const section of sections) {
    for (const [index, statement] of section.entries()) {
      if (lines.length > 0 && (index === 0 || statement.children !== null)) lines.push('!')
      printInto(lines, statement, '')
    }
  }
  return `${lines.join('\n')}\n`
}

function printInto(lines: string[], statement: Statement, indent: string): void {
  lines.push(indent + statement.text)
  if (statement.children === null) return
  for (const [index, child] of statement.children.entries()) {
    if (child.children !== null && index > 0) lines.push(`${indent} !`)
    printInto(lines, child, `${indent} `)
  }
  lines.push(indent + statement.exit)
}
