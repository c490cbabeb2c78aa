import type { Death, FaultSpec } from './model.ts'

/** A fault in one short sentence, as an engineer says it. */
export function describeFault(spec: FaultSpec): string {
  switch (spec.kind) {
    case 'carrier':
      return spec.end === undefined
        ? `${spec.link} loses its carrier`
        : `${spec.link} is shut down at ${spec.end}`
    case 'silent':
      return `${spec.link} drops ${trafficNames[spec.traffic ?? 'all']}${sender(spec.from)} without a word`
    case 'rate':
      return `${spec.link} carries ${formatRate(spec.kilobitsPerSecond)} at most${sender(spec.from)}`
    case 'loss':
      return `${spec.link} loses ${spec.percent}% of the packets${sender(spec.from)}`
    case 'mtu':
      return `${spec.link} drops packets above ${spec.bytes} bytes without a word`
    case 'flap':
      return `${spec.link} flaps ${spec.count} times, ${formatMilliseconds(spec.downMilliseconds)} down and ${formatMilliseconds(spec.upMilliseconds)} up`
    case 'daemon':
      return `${spec.daemon === 'frr' ? 'all of FRR' : spec.daemon} on ${spec.device} is ${daemonVerbs[spec.how]}`
    case 'device':
      return `${spec.device} ${deathVerbs[spec.how]}`
    case 'rack':
      return `rack ${spec.rack} ${deathVerbs[spec.how]}`
    case 'tier':
      return `every ${spec.role} of ${spec.site} ${deathVerbs[spec.how]}`
    case 'site':
      return `${spec.site} is cut off from ${boundaryNames[spec.boundary ?? 'all']}${spec.how === 'carrier' ? ', without carrier' : ', silently'}`
    case 'pod':
      return `pod ${spec.namespace}/${spec.pod} of ${spec.cluster} ${spec.how === 'delete' ? 'is deleted' : 'is not ready'}`
    case 'api':
      return `the API of ${spec.cluster} ${apiVerb(spec)}`
    case 'announcement':
      return `${spec.device} announces ${spec.prefix}, which it may not`
  }
}

/** 1500 ms as `1.5 s`. */
function formatMilliseconds(milliseconds: number): string {
  return milliseconds >= 1000 ? `${milliseconds / 1000} s` : `${milliseconds} ms`
}

function formatRate(kilobitsPerSecond: number): string {
  return kilobitsPerSecond >= 1000 ? `${kilobitsPerSecond / 1000} Mbit/s` : `${kilobitsPerSecond} kbit/s`
}

function sender(from: string | undefined): string {
  return from === undefined ? '' : ` sent by ${from}`
}

function apiVerb({ how, delayMilliseconds = 1000 }: FaultSpec & { kind: 'api' }): string {
  if (how === 'slow') return `answers ${formatMilliseconds(delayMilliseconds)} late`
  return how === 'unreachable' ? 'cannot be reached' : 'answers every request with 503'
}

const trafficNames = { all: 'everything', bfd: 'BFD', bgp: 'BGP' } as const

const daemonVerbs = {
  kill: 'killed (SIGKILL)',
  stop: 'stopped (SIGSTOP)',
  terminate: 'ended (SIGTERM)',
  restart: 'restarted (SIGKILL and start)',
} as const

const deathVerbs: Readonly<Record<Death, string>> = {
  power: 'loses power',
  silent: 'falls silent on all its links',
  carrier: 'loses the carrier of all its links',
}

const boundaryNames = { all: 'the outside', dci: 'the other sites', edge: 'the external networks' } as const
