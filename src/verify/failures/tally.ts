/** What one class of failures does, gathered prefix by prefix. */
import type { Device, Role } from '../../plan/model.ts'

/** What a prefix is, in words for people. */
export type Destination =
  | 'switch address'
  | 'node address'
  | 'pod prefix'
  | 'service address'
  | 'aggregate'
  | 'default route'
  | 'outside prefix'

/** Prefixes that somebody wants to reach; switches' own addresses and aggregates only help to. */
const wanted: readonly Destination[] = [
  'node address',
  'pod prefix',
  'service address',
  'default route',
  'outside prefix',
]

/** Is this traffic of users, not a switch's own? */
export function isUserTraffic(group: Pick<PairGroup, 'destination' | 'from'>): boolean {
  return (group.from === 'node' || group.from === 'external') && wanted.includes(group.destination)
}

/** Does user traffic follow routes for it? */
export function carriesUserTraffic(destination: Destination): boolean {
  return destination !== 'switch address'
}

/** Pairs of a source and a prefix that fare alike: told by one of them. */
export interface PairGroup {
  destination: Destination
  from: Role
  pairs: number
  example: { from: string; to: string }
}

export interface LossGroup extends PairGroup {
  /** Some equal paths still arrive, so that only part of the flows is lost. */
  isPartial: boolean
}

export interface NarrowGroup extends PairGroup {
  before: number
  after: number
}

export interface ServiceLoss {
  prefix: string
  announcersBefore: number
  announcersAfter: number
  /** Prefixes that fare alike. */
  alike: number
}

/** Longest time, in BGP hops, until what still arrives in the end arrives again. */
export interface Repair {
  /** 0: nobody's packets came near. 1: the devices at the failure repair it themselves. */
  hops: number
  example: { from: string; to: string } | null
}

export class Tally {
  readonly lost: LossGroup[] = []
  readonly narrowed: NarrowGroup[] = []
  readonly services: ServiceLoss[] = []
  /** Prefixes whose every owner failed: gone with it, and nobody else's business. */
  gone = 0
  repair: Repair = { hops: 0, example: null }
  isOrderDependent = false

  addLost(group: Omit<LossGroup, 'pairs'>, pairs: number): void {
    const known = this.lost.find(
      ({ destination, from, isPartial }) =>
        destination === group.destination && from === group.from && isPartial === group.isPartial,
    )
    if (known === undefined) this.lost.push({ ...group, pairs })
    else known.pairs += pairs
  }

  addNarrowed(group: Omit<NarrowGroup, 'pairs'>, pairs: number): void {
    const known = this.narrowed.find(
      ({ destination, from, before, after }) =>
        destination === group.destination &&
        from === group.from &&
        before === group.before &&
        after === group.after,
    )
    if (known === undefined) this.narrowed.push({ ...group, pairs })
    else known.pairs += pairs
  }

  addRepair(hops: number, example: { from: string; to: string }): void {
    if (hops > this.repair.hops) this.repair = { hops, example }
  }

  /** Worst first: users before switches, fewest next hops left, then most pairs. */
  sort(): void {
    const byUse = (x: PairGroup, y: PairGroup) => Number(isUserTraffic(y)) - Number(isUserTraffic(x))
    this.lost.sort((x, y) => byUse(x, y) || Number(x.isPartial) - Number(y.isPartial) || y.pairs - x.pairs)
    this.narrowed.sort((x, y) => byUse(x, y) || x.after - y.after || y.pairs - x.pairs)
  }
}

/** What a prefix is to whoever wants to reach it. */
export function describePrefix(text: string, isAggregate: boolean, owner: Device | undefined): Destination {
  if (text === '0.0.0.0/0' || text === '::/0') return 'default route'
  if (isAggregate) return 'aggregate'
  if (owner?.role === 'external') return 'outside prefix'
  if (owner?.role !== 'node') return 'switch address'
  if (owner.vips.includes(text)) return 'service address'
  return owner.podCidrs.includes(text) ? 'pod prefix' : 'node address'
}
