import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { WeftError } from '../diagnostics/error.ts'
import { inNamespace } from '../linux/namespace.ts'
import type { Plan } from '../plan/model.ts'
import { requireLink } from './faults/targets.ts'
import { requireHost } from './inside.ts'
import { labEnvironmentKey, namespaceOf } from './names.ts'
import type { LabState } from './state.ts'
import { interfacesOf } from './topology.ts'

/*
 * Packets of one interface, by tcpdump in its namespace.
 *
 * tcpdump writes where the caller's output goes, so that nothing of ours stands between it and a file or Wireshark. It
 * ends at its limits, at Ctrl-C, which the terminal sends it as well, or when it is stopped; what it has seen by then is
 * written in every case.
 */

/** Where packets are seen. */
export interface CapturePoint {
  device: string
  interface: string
  /** The other end of its cable; null for interfaces that the plan does not know. */
  peerDevice: string | null
}

export interface CaptureOptions {
  /** A pcap goes to this file, or to standard output for `-`; text to standard output when absent. */
  file?: string
  count?: number
  seconds?: number
  /** In tcpdump's language. */
  filter: readonly string[]
  /** Keep what tcpdump prints instead of showing it. */
  isQuiet?: boolean
}

export interface CaptureResult {
  /** Lines of text; none when a pcap was written. */
  packets: string[]
  captured: number
  /** By the kernel, because tcpdump was not quick enough. */
  dropped: number
}

/**
 * Finds the interface that a person means: `<device>/<interface>`, or a link, which is watched at its first end unless
 * another is named.
 */
export function findCapturePoint(state: LabState, where: string, end?: string): CapturePoint {
  const { plan } = state
  const slash = where.indexOf('/')
  if (slash < 0) return findLinkEnd(plan, where, end)
  const device = requireHost(state, where.slice(0, slash))
  const name = where.slice(slash + 1)
  const interfaces = interfacesOf(plan, device)
  // Pods come and go: what the plan does not name may be there all the same, and tcpdump says so if not.
  if (!interfaces.includes(name) && /^(eth|ext)\d+$/.test(name))
    throw new WeftError('WEFT_LAB_LINK_UNKNOWN', `${device} has no interface "${name}"`, {
      hint: `it has ${interfaces.join(', ')}; links can be named as well, such as ${plan.links[0]?.id}`,
      exitCode: 2,
    })
  const planned = plan.devices
    .find((candidate) => candidate.name === device)
    ?.interfaces.find((candidate) => candidate.name === name)
  return { device, interface: name, peerDevice: planned?.peerDevice ?? null }
}

function findLinkEnd(plan: Plan, name: string, end: string | undefined): CapturePoint {
  const { a, b } = requireLink(plan, name)
  if (end !== undefined && end !== a.device && end !== b.device)
    throw new WeftError('WEFT_LAB_LINK_UNKNOWN', `"${end}" is no end of ${a.device}--${b.device}`, {
      hint: `its ends are ${a.device} and ${b.device}`,
      exitCode: 2,
    })
  const [near, far] = end === b.device ? [b, a] : [a, b]
  return { device: near.device, interface: near.interface, peerDevice: far.device }
}

/** Captures until a limit is reached, Ctrl-C, or the signal. */
export async function capturePackets(
  lab: string,
  point: CapturePoint,
  options: CaptureOptions,
): Promise<CaptureResult> {
  const [command, ...args] = inNamespace(namespaceOf(lab, point.device), [
    'tcpdump',
    ...['-i', point.interface, '-nn', '--immediate-mode'],
    // Packets appear when they pass, and a pcap can be written wherever the caller may write.
    ...(options.file === undefined ? ['-l'] : ['-U', '-Z', 'root', '-w', options.file]),
    ...(options.count === undefined ? [] : ['-c', String(options.count)]),
    ...options.filter,
  ])
  const child = spawn(command, args, {
    stdio: ['ignore', options.isQuiet === true ? 'pipe' : 'inherit', 'pipe'],
    env: { ...process.env, [labEnvironmentKey]: lab },
  })
  const texts: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => texts.push(chunk))
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const release = endWith(child, options.seconds)
  try {
    await once(child, 'close')
  } catch (cause) {
    throw new WeftError('WEFT_TOOL_MISSING', 'the tool "tcpdump" is not installed', {
      hint: 'install it: apt-get install tcpdump',
      exitCode: 3,
      cause,
    })
  } finally {
    release()
  }
  const captured = /(\d+) packets? captured/.exec(said)?.[1]
  if (captured === undefined) throw refused(point, options, said)
  return {
    packets: Buffer.concat(texts).toString('utf8').split('\n').filter(Boolean),
    captured: Number(captured),
    dropped: Number(/(\d+) packets? dropped by kernel/.exec(said)?.[1] ?? 0),
  }
}

/** Ctrl-C and a time limit end tcpdump, and not this process before it has said what tcpdump found. */
function endWith(child: ChildProcess, seconds: number | undefined): () => void {
  const stop = () => child.kill('SIGTERM')
  const timer = seconds === undefined ? undefined : setTimeout(stop, seconds * 1000)
  // A terminal's Ctrl-C reaches tcpdump too; a second signal does it no harm.
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return () => {
    clearTimeout(timer)
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

function refused(point: CapturePoint, { filter }: CaptureOptions, said: string): WeftError {
  const reason =
    said
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^tcpdump: /, '') ?? ''
  const isFilter = filter.length > 0 && /syntax error|parse|expression|filter/i.test(reason)
  return new WeftError('WEFT_LAB_CAPTURE', `tcpdump on ${point.device}/${point.interface}: ${reason}`, {
    hint: isFilter
      ? `the filter "${filter.join(' ')}" is in tcpdump's language, such as 'tcp port 179' (man pcap-filter)`
      : `weft lab exec ${point.device} -- ip -brief link lists its interfaces`,
    exitCode: isFilter ? 2 : 1,
  })
}
