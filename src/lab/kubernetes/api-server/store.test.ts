import { expect, test } from 'vitest'
import type { AnyObject } from './objects.ts'
import { createStore } from './store.ts'

function pod(name: string): AnyObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' } }
}

test('counts one resourceVersion for all types, and gives it to the object written', () => {
  const store = createStore({ firstResourceVersion: 10 })

  store.put('pods', pod('a'))
  const service = store.put('services', pod('b'))

  expect(service.metadata.resourceVersion).toBe('12')
  expect(store.resourceVersion()).toBe(12)
})

test('a deletion has a resourceVersion of its own', () => {
  const store = createStore({ firstResourceVersion: 0 })
  store.put('pods', pod('a'))

  const removed = store.remove('pods', 'default/a')

  expect(removed?.metadata.resourceVersion).toBe('2')
  expect(store.changesSince('pods', 0).map(({ type, resourceVersion }) => [type, resourceVersion])).toEqual([
    ['ADDED', 1],
    ['DELETED', 2],
  ])
})

test('objects from the store cannot be changed behind its back', () => {
  const store = createStore()
  const stored = store.put('pods', pod('a'))

  expect(() => {
    stored.metadata.labels = { a: 'b' }
  }).toThrow(TypeError)
})

test('a resourceVersion older than the history is 410, one from the future is 504', () => {
  const store = createStore({ historySize: 2, firstResourceVersion: 0 })
  for (let i = 0; i < 5; i++) store.put('pods', pod('a'))

  expect(() => store.changesSince('pods', 1)).toThrow(expect.objectContaining({ code: 410 }))
  expect(store.changesSince('pods', 3)).toHaveLength(2)
  expect(() => store.changesSince('pods', 6)).toThrow(expect.objectContaining({ code: 504 }))
})

test('a busy type does not push out the history of a quiet one', () => {
  const store = createStore({ historySize: 2, firstResourceVersion: 0 })
  store.put('services', pod('web'))
  for (let i = 0; i < 100; i++) store.put('leases', pod('node'))

  expect(store.changesSince('services', 0)).toHaveLength(1)
})

test('resourceVersions of a former life are too old for a store that started later', () => {
  const former = createStore({ firstResourceVersion: 1_000 })
  former.put('pods', pod('a'))
  const next = createStore({ firstResourceVersion: 2_000 })

  expect(() => next.changesSince('pods', former.resourceVersion())).toThrow(
    expect.objectContaining({ code: 410 }),
  )
})
