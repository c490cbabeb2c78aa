/** What can be broken in a lab. A fault is plain data: scenario files, the command line and the lab's state share it. */

export type FaultSpec =
  | LinkFault
  | DaemonFault
  | DeviceFault
  | GroupFault
  | PodFault
  | ApiFault
  | AnnouncementFault

/** Names a link by its id, `<device>--<device>` in either order. */
export type LinkFault =
  /**
   * Carrier is gone: both ports are shut down, or the one of `end` only. The other port then has no carrier either, but
   * is not shut down, as on a real cable.
   */
  | { kind: 'carrier'; link: string; end?: string }
  /** Carrier stays and packets are lost: both ways, or only those that one device sends; all of them, or one protocol's. */
  | { kind: 'silent'; link: string; from?: string; traffic?: 'all' | 'bfd' | 'bgp' }
  | { kind: 'rate'; link: string; from?: string; kilobitsPerSecond: number }
  /** This share of the packets vanishes, at random. */
  | { kind: 'loss'; link: string; from?: string; percent: number }
  /** Packets above this size vanish without an ICMP message. */
  | { kind: 'mtu'; link: string; bytes: number }
  /** Carrier goes and comes again, `count` times; then the fault is over by itself. */
  | { kind: 'flap'; link: string; downMilliseconds: number; upMilliseconds: number; count: number }

export interface DaemonFault {
  kind: 'daemon'
  device: string
  daemon: 'bgpd' | 'zebra' | 'bfdd' | 'frr' | 'agent'
  /** SIGKILL, SIGSTOP, SIGTERM, or SIGKILL and an immediate start, after which the fault is over. */
  how: 'kill' | 'stop' | 'terminate' | 'restart'
}

/** `power`: its links fall silent and every process in it dies; `silent` and `carrier`: its links only. */
export type Death = 'power' | 'silent' | 'carrier'

export interface DeviceFault {
  kind: 'device'
  device: string
  how: Death
}

export type GroupFault =
  /** Both leaves and all nodes of a rack, `<site>-<rack>` or its name where that is unique. */
  | { kind: 'rack'; rack: string; how: Death }
  /** Every device of one role in a site, such as its whole spine tier. */
  | { kind: 'tier'; site: string; role: string; how: Death }
  /** Every link between the site and the outside (`dci`: towards other sites, `edge`: towards external peers). */
  | { kind: 'site'; site: string; boundary?: 'all' | 'dci' | 'edge'; how: 'silent' | 'carrier' }

export interface PodFault {
  kind: 'pod'
  cluster: string
  namespace: string
  pod: string
  /** What is deleted is over at once: the cluster makes another. */
  how: 'unready' | 'delete'
}

export interface ApiFault {
  kind: 'api'
  cluster: string
  /** Not reachable, every answer late, or every answer a 5xx. */
  how: 'unreachable' | 'slow' | 'erroring'
  delayMilliseconds?: number
}

/** A device announces what it may not. */
export interface AnnouncementFault {
  kind: 'announcement'
  device: string
  prefix: string
}

/** A fault in force. */
export interface ActiveFault {
  /** Short and unique in its lab, such as `f3`: what `heal` takes. */
  id: string
  spec: FaultSpec
  /** RFC 3339. */
  since: string
}
