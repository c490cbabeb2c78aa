/*
 * FRR configuration text as a tree.
 *
 * FRR prints, and Weft renders, one space of indentation per level; that is what the tree is made from, since a file may
 * leave out `exit` lines (and must, when one file serves several daemons). Lines that carry no configuration
 * (`!`, `exit`, `end`, banners) are dropped.
 */

export interface ConfigBlock {
  line: string
  children: ConfigBlock[]
}

const noise =
  /^(!.*|exit|exit-address-family|exit-vrf|end|Building configuration\.\.\.|Current configuration:)$/

/** Reads configuration text into blocks; blocks that occur twice under the same header are merged. */
export function parseConfig(text: string): ConfigBlock[] {
  const root: ConfigBlock = { line: '', children: [] }
  const path: { indent: number; block: ConfigBlock }[] = [{ indent: -1, block: root }]
  for (const raw of text.split('\n')) {
    const line = raw.trim().replace(/\s+/g, ' ')
    if (line === '' || noise.test(line)) continue
    const indent = raw.length - raw.trimStart().length
    while ((path.at(-1)?.indent ?? -1) >= indent) path.pop()
    const siblings = (path.at(-1)?.block ?? root).children
    let block = isHeader(line) ? siblings.find((sibling) => sibling.line === line) : undefined
    if (block === undefined) {
      block = { line, children: [] }
      siblings.push(block)
    }
    path.push({ indent, block })
  }
  return root.children
}

/** Only headers are looked up again when they repeat: scanning 10,000 `network` lines for each other is quadratic. */
function isHeader(line: string): boolean {
  return /^(router |address-family |interface |vrf |bfd$|profile |peer |route-map |rpki|bmp |key chain |key )/.test(
    line,
  )
}
