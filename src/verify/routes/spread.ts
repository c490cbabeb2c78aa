/** Where one prefix travels when everything is up. */
import type { Scope } from '../../intent/model.ts'
import type { Device } from '../../plan/model.ts'
import type { RouteAttributes } from '../simulate/policy.ts'
import type { Selection } from '../simulate/propagate.ts'
import type { Offer } from './offers.ts'

export type RouteKind = 'switch' | 'node' | 'pod' | 'service' | 'aggregate' | 'external'

export interface Spread {
  prefix: string
  kind: RouteKind
  /** Service addresses: how far this one is to travel. */
  scope: Scope | null
  /** A device that originates it: the one to name. */
  origin: Device
  origins: ReadonlyMap<string, RouteAttributes>
  selections: ReadonlyMap<string, Selection>
  /** What neighbours tell each other about it and what is refused of it; worked out once, when first asked for. */
  refused(): readonly Offer[]
}
