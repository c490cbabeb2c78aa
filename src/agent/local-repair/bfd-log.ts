/** Reads the lines in which bfdd tells of its sessions (`debug bfd peer`). */

export interface BfdStateChange {
  interface: string
  to: 'up' | 'down'
}

/** The change that a line tells of; null for any other line, and for changes among states that carry no traffic. */
export function readBfdStateChange(line: string): BfdStateChange | null {
  const found = /state-change: \[(?<session>[^\]]*)\] (?<from>[\w-]+) -> (?<to>[\w-]+)/.exec(line)?.groups
  const name = /\bifname:(?<name>\S+)/.exec(found?.session ?? '')?.groups?.name
  if (found === undefined || name === undefined) return null
  if (found.to === 'up') return { interface: name, to: 'up' }
  return found.from === 'up' ? { interface: name, to: 'down' } : null
}
