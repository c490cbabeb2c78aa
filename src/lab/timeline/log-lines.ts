import { parseTimestamp } from '../../linux/route-monitor.ts'

/** What a line of a daemon's log says about a change; names are FRR's own. */
export interface LogEvent {
  /** Epoch milliseconds with microseconds. */
  atMs: number
  source: 'bgp' | 'bfd' | 'rib' | 'agent'
  /** Neighbor or interface of a session, or a prefix. */
  subject: string
  text: string
}

/** Times without a fraction were written before precision was asked for, or after a restart: too coarse to be used. */
const stamp = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d\.\d{6}) /

/** Session changes and routing decisions in a log of bgpd; `debug bgp zebra` writes the latter. */
export function readBgpLog(text: string): LogEvent[] {
  return eachLine(text, (line, atMs) => {
    const session = /%ADJCHANGE: neighbor (\S+?)(?:\(\S*\))? in vrf \S+ (Up|Down)(?: (.*))?$/.exec(line)
    if (session !== null) {
      const [, subject = '', state = '', reason] = session
      return { atMs, source: 'bgp', subject, text: describe(state.toLowerCase(), reason) }
    }
    const decision = /Tx route (add|delete) VRF \d+ (\S+)(?:.* count (\d+))?/.exec(line)
    if (decision === null) return undefined
    const [, what, subject = '', count] = decision
    const hops = count === '1' ? '1 next hop' : `${count} next hops`
    return { atMs, source: 'rib', subject, text: what === 'add' ? hops : 'withdrawn' }
  })
}

/** Session changes in a log of bfdd with `debug bfd peer`. */
export function readBfdLog(text: string): LogEvent[] {
  return eachLine(text, (line, atMs) => {
    const found = /state-change: \[([^\]]*)\] \S+ -> (\S+)(?: reason:(.*))?$/.exec(line)
    if (found === null) return undefined
    const [, session = '', state = '', reason] = found
    // On the way up a session passes `init`, which nobody acts on.
    if (state !== 'up' && state !== 'down') return undefined
    const subject = /ifname:(\S+)/.exec(session)?.[1] ?? /peer:(\S+)/.exec(session)?.[1] ?? session
    return { atMs, source: 'bfd', subject, text: describe(state, state === 'down' ? reason : undefined) }
  })
}

/** What an agent says it did: JSON lines. */
export function readAgentLog(text: string): LogEvent[] {
  return text.split('\n').flatMap((line): LogEvent[] => {
    if (!line.startsWith('{') || !line.endsWith('}')) return []
    const { time, level, msg, address, link, reason } = JSON.parse(line) as Record<string, unknown>
    const atMs = typeof time === 'number' ? time : Date.parse(String(time))
    const isTold = typeof level === 'number' ? level >= 30 : level !== 'debug' && level !== 'trace'
    if (Number.isNaN(atMs) || !isTold || typeof msg !== 'string') return []
    const text = typeof reason === 'string' && reason !== '' ? `${msg}: ${reason}` : msg
    return [{ atMs, source: 'agent', subject: String(address ?? link ?? ''), text }]
  })
}

function eachLine(text: string, read: (line: string, atMs: number) => LogEvent | undefined): LogEvent[] {
  return text.split('\n').flatMap((line) => {
    const found = stamp.exec(line)
    if (found === null) return []
    const [, year, month, day, time] = found
    const event = read(line, parseTimestamp(`${year}-${month}-${day}T${time}`))
    return event === undefined ? [] : [event]
  })
}

function describe(state: string, reason: string | undefined): string {
  return reason === undefined || reason === '' ? state : `${state}: ${reason}`
}
