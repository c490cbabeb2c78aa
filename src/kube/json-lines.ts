/** Splits a byte stream into lines; a line, and a character in it, may be cut anywhere across two chunks. */
export class LineSplitter {
  #pending: Buffer[] = []

  /** Takes one chunk and returns the lines that are now complete, empty ones left out. */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let start = 0
    for (;;) {
      const end = chunk.indexOf(10, start)
      if (end < 0) break
      this.#pending.push(chunk.subarray(start, end))
      const line = Buffer.concat(this.#pending).toString('utf8')
      if (line.trim() !== '') lines.push(line)
      this.#pending = []
      start = end + 1
    }
    if (start < chunk.length) this.#pending.push(chunk.subarray(start))
    return lines
  }
}
