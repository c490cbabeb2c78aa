/** Text of a configuration file as numbered statements; what is too large or no text is refused as a whole. */

export interface Statement {
  /** From 1. */
  line: number
  text: string
  words: string[]
}

/** Far above any real router: a route server with full filters has some 200,000 lines. */
const limits = { characters: 32_000_000, lines: 500_000, lineLength: 20_000 }

/** Statements of a file, or why it cannot be a configuration. Indentation and comments carry no meaning in FRR. */
export function splitStatements(text: string): Statement[] | { problem: string } {
  if (text.length > limits.characters)
    return { problem: `the file has ${text.length} characters, more than ${limits.characters}` }
  if (text.includes('\0')) return { problem: 'the file is not text: it holds NUL characters' }
  const lines = text.split(/\r\n|\n|\r/)
  if (lines.length > limits.lines)
    return { problem: `the file has ${lines.length} lines, more than ${limits.lines}` }
  const statements: Statement[] = []
  for (const [index, raw] of lines.entries()) {
    if (raw.length > limits.lineLength)
      return { problem: `line ${index + 1} has ${raw.length} characters, more than ${limits.lineLength}` }
    const trimmed = raw.trim()
    if (trimmed === '' || trimmed.startsWith('!') || trimmed.startsWith('#')) continue
    const words = trimmed.split(/\s+/)
    statements.push({ line: index + 1, text: words.join(' '), words })
  }
  return statements
}
