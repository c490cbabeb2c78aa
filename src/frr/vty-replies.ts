/*
 * FRR's vty framing. A request is a line ended by NUL. A reply is text, then three NULs and one status byte. Neither
 * has a length, so a reply is found by its end marker, which may be cut anywhere across two reads.
 */

export interface VtyReply {
  text: string
  /** 0 done; 1 warning; 2 unknown command; 3 ambiguous; 4 incomplete; 13 refused by the daemon. */
  status: number
}

const marker = Buffer.from([0, 0, 0])

/** Splits the byte stream of a vty socket into replies. */
export class VtyReplySplitter {
  #pending: Buffer[] = []
  #pendingBytes = 0
  /** The last bytes seen (at most three), in which a marker may have begun. */
  #tail = Buffer.alloc(0)

  /** Takes one chunk and returns the replies that are now complete. */
  push(chunk: Buffer): VtyReply[] {
    // A 5 MB table arrives in hundreds of chunks: join them once, when its end has been seen in the newest.
    const seam = Buffer.concat([this.#tail, chunk])
    this.#pending.push(chunk)
    this.#pendingBytes += chunk.length
    this.#tail = seam.subarray(Math.max(0, seam.length - 3))
    const end = seam.indexOf(marker)
    if (end < 0 || end + 3 >= seam.length) return []
    return this.#drain()
  }

  #drain(): VtyReply[] {
    const all = Buffer.concat(this.#pending, this.#pendingBytes)
    const replies: VtyReply[] = []
    let start = 0
    for (;;) {
      const end = all.indexOf(marker, start)
      const status = end < 0 ? undefined : all[end + 3]
      if (status === undefined) break
      replies.push({ text: all.toString('utf8', start, end), status })
      start = end + 4
    }
    const rest = all.subarray(start)
    this.#pending = rest.length > 0 ? [rest] : []
    this.#pendingBytes = rest.length
    this.#tail = rest.subarray(Math.max(0, rest.length - 3))
    return replies
  }
}
