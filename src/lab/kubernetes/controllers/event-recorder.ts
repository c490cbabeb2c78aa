/**
 * Events that controllers leave with objects, for `kubectl describe`: the same thing said again raises a count.
 */
import { createHash } from 'node:crypto'
import { type AnyObject, type Event, type KubeObject, keyOf, timestamp } from '../api-server/objects.ts'
import type { Registry } from '../api-server/registry.ts'

/** How long an Event is kept after it was last seen, as upstream. */
const eventLifetimeMs = 3_600_000

export interface EventText {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
}

/** Records one event of a component about an object. */
export function recordEvent(
  registry: Registry,
  component: string,
  about: KubeObject,
  text: EventText,
  now: number,
): void {
  const type = registry.types.stored('events')
  const namespace = about.metadata.namespace ?? 'default'
  const identity = [component, about.kind, about.metadata.uid, text.type, text.reason, text.message].join(
    '\n',
  )
  const name = `${about.metadata.name}.${createHash('sha256').update(identity).digest('hex').slice(0, 16)}`
  const at = timestamp(now)
  const existing = registry.find(type, { namespace, name }) as Event | undefined
  if (existing !== undefined) {
    const again = { count: (existing.count ?? 1) + 1, lastTimestamp: at }
    registry.update(type, { namespace, name }, (event) => ({ ...event, ...again }))
    return
  }
  const { uid, resourceVersion } = about.metadata
  const event: Event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name: about.metadata.name,
      ...(about.metadata.namespace === undefined ? {} : { namespace: about.metadata.namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    } as Event['involvedObject'],
    ...text,
    source: { component },
    reportingComponent: component,
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
  }
  registry.create(type, namespace, event as unknown as AnyObject)
}

/** Drops Events that are over an hour old. */
export function dropOldEvents({ store }: Registry, now: number): void {
  for (const object of store.list('events')) {
    const { lastTimestamp, eventTime } = object as unknown as Event
    const seenAt = lastTimestamp ?? eventTime ?? object.metadata.creationTimestamp ?? ''
    if (now - Date.parse(seenAt) > eventLifetimeMs) store.remove('events', keyOf(object.metadata))
  }
}
