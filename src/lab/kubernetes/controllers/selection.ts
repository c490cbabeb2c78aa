/**
 * Which Services select which Pods, kept along with every change: the cost of one Pod's or Service's change follows
 * the number of objects it concerns, never the number there are.
 *
 * Pods are indexed by every `namespace key=value` of their labels, Services by one pair of their selector; candidates
 * found by a pair are then compared in full.
 */
import { type AnyObject, keyOf, type Pod, type Service } from '../api-server/objects.ts'
import { selectsLabels } from '../api-server/selectors.ts'
import type { Store, StoreChange } from '../api-server/store.ts'

export interface Selection {
  /** Takes note of a change of a Service. */
  noteService(change: StoreChange): void
  /** Takes note of a change of a Pod, and returns the keys of the Services that select or selected it. */
  notePod(change: StoreChange): string[]
  podsOf(service: Service): Pod[]
}

type Index = Map<string, Set<string>>

/** The selection among what the store holds now. */
export function createSelection(store: Store): Selection {
  const services: Index = new Map()
  const pods: Index = new Map()

  function moveService(gone: AnyObject | undefined, come: AnyObject | undefined): void {
    if (gone !== undefined) drop(services, selectorPairs(gone).slice(0, 1), keyOf(gone.metadata))
    if (come !== undefined) put(services, selectorPairs(come).slice(0, 1), keyOf(come.metadata))
  }

  function movePod(gone: AnyObject | undefined, come: AnyObject | undefined): void {
    if (gone !== undefined) drop(pods, labelPairs(gone), keyOf(gone.metadata))
    if (come !== undefined) put(pods, labelPairs(come), keyOf(come.metadata))
  }

  function servicesSelecting(pod: AnyObject): string[] {
    const candidates = labelPairs(pod).flatMap((pair) => [...(services.get(pair) ?? [])])
    return candidates.filter((key) => {
      const service = store.get('services', key) as Service | undefined
      return selectsLabels(service?.spec.selector, pod.metadata.labels)
    })
  }

  for (const service of store.values('services')) moveService(undefined, service)
  for (const pod of store.values('pods')) movePod(undefined, pod)

  return {
    noteService: ({ type, previous, object }) =>
      moveService(previous, type === 'DELETED' ? undefined : object),
    notePod({ type, previous, object }) {
      movePod(previous, type === 'DELETED' ? undefined : object)
      const before = previous === undefined ? [] : servicesSelecting(previous)
      return [...new Set([...before, ...servicesSelecting(object)])]
    },
    podsOf(service) {
      const [pair = ''] = selectorPairs(service)
      return [...(pods.get(pair) ?? [])]
        .map((key) => store.get('pods', key) as unknown as Pod)
        .filter((pod) => selectsLabels(service.spec.selector, pod.metadata.labels))
    },
  }
}

function selectorPairs(object: AnyObject | Service): string[] {
  return pairs(object.metadata.namespace, (object as Service).spec?.selector)
}

function labelPairs({ metadata }: AnyObject): string[] {
  return pairs(metadata.namespace, metadata.labels)
}

function pairs(namespace = '', labels: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(labels).map(([key, value]) => `${namespace} ${key}=${value}`)
}

function put(index: Index, pairs: readonly string[], key: string): void {
  for (const pair of pairs) {
    const keys = index.get(pair) ?? new Set<string>()
    keys.add(key)
    index.set(pair, keys)
  }
}

function drop(index: Index, pairs: readonly string[], key: string): void {
  for (const pair of pairs) {
    const keys = index.get(pair)
    keys?.delete(key)
    if (keys?.size === 0) index.delete(pair)
  }
}
