import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyJsonPatch, applyMergePatch } from './json-patch.ts'
import { applyConfiguration } from './server-side-apply.ts'
import { applyStrategicMerge } from './strategic-merge.ts'

test('merge patch: members merge, null removes, lists are replaced', () => {
  const patched = applyMergePatch({ a: { b: 1, c: 2 }, list: [1, 2] }, { a: { b: null, d: 3 }, list: [3] })

  expect(patched).toEqual({ a: { c: 2, d: 3 }, list: [3] })
})

test('merge patch: applying one twice changes nothing more', () => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 3 }), fc.object({ maxDepth: 3 }), (document, patch) => {
      const once = applyMergePatch(document, patch)
      expect(applyMergePatch(once, patch)).toEqual(once)
    }),
  )
})

test('JSON patch: operations apply in order, and a failed test refuses all of them', () => {
  const document = { a: [1, 2], b: { 'x/y': 1 } }

  const patched = applyJsonPatch(document, [
    { op: 'add', path: '/a/-', value: 3 },
    { op: 'remove', path: '/a/0' },
    { op: 'move', from: '/b/x~1y', path: '/b/z' },
    { op: 'copy', from: '/b/z', path: '/c' },
    { op: 'test', path: '/c', value: 1 },
  ])

  expect(patched).toEqual({ a: [2, 3], b: { z: 1 }, c: 1 })
  expect(document.a).toEqual([1, 2])
  expect(() => applyJsonPatch(document, [{ op: 'test', path: '/a/0', value: 9 }])).toThrow(
    'not the one tested for',
  )
  expect(() => applyJsonPatch(document, [{ op: 'remove', path: '/a/7' }])).toThrow('no list element')
})

test('strategic merge: containers merge by name, their ports by number, conditions by type', () => {
  const pod = {
    spec: {
      containers: [
        { name: 'a', image: '1', ports: [{ containerPort: 80 }] },
        { name: 'b', image: '1' },
      ],
    },
    status: {
      conditions: [
        { type: 'Ready', status: 'False', reason: 'x' },
        { type: 'Other', status: 'True' },
      ],
    },
  }

  const patched = applyStrategicMerge('Pod', pod, {
    spec: {
      containers: [
        { name: 'a', image: '2', ports: [{ containerPort: 81 }] },
        { name: 'b', $patch: 'delete' },
      ],
    },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  })

  expect(patched).toEqual({
    spec: { containers: [{ name: 'a', image: '2', ports: [{ containerPort: 80 }, { containerPort: 81 }] }] },
    status: {
      conditions: [
        { type: 'Ready', status: 'True', reason: 'x' },
        { type: 'Other', status: 'True' },
      ],
    },
  })
})

test('strategic merge: Service ports merge by port and follow the order asked for', () => {
  const service = { spec: { ports: [{ port: 80, nodePort: 30000 }] } }

  const patched = applyStrategicMerge('Service', service, {
    spec: { '$setElementOrder/ports': [{ port: 81 }, { port: 80 }], ports: [{ port: 81, name: 'b' }] },
  })

  expect(patched).toEqual({
    spec: {
      ports: [
        { port: 81, name: 'b' },
        { port: 80, nodePort: 30000 },
      ],
    },
  })
})

test('strategic merge: finalizers are a set, lists without a key are replaced, directives leave no trace', () => {
  const node = {
    metadata: { finalizers: ['a/x', 'b/y'] },
    spec: { taints: [{ key: 'k' }], old: 1, kept: 2 },
  }

  const patched = applyStrategicMerge('Node', node, {
    metadata: { '$deleteFromPrimitiveList/finalizers': ['a/x'], finalizers: ['c/z'] },
    spec: { $retainKeys: ['kept', 'taints'], taints: [{ key: 'other' }] },
  })

  expect(patched).toEqual({
    metadata: { finalizers: ['b/y', 'c/z'] },
    spec: { taints: [{ key: 'other' }], kept: 2 },
  })
})

test('apply takes away what its manager applied before and no longer does, and nothing else', () => {
  const live = {
    metadata: { labels: { mine: '1', theirs: '2' } },
    spec: { clusterIP: '10.0.0.1', ports: [{ port: 80, nodePort: 30000 }, { port: 81 }], type: 'ClusterIP' },
  }
  const previous = {
    metadata: { labels: { mine: '1' } },
    spec: { ports: [{ port: 80 }, { port: 81 }], type: 'ClusterIP' },
  }
  const next = { spec: { ports: [{ port: 80, name: 'web' }] } }

  expect(applyConfiguration('Service', live, previous, next)).toEqual({
    metadata: { labels: { theirs: '2' } },
    spec: { clusterIP: '10.0.0.1', ports: [{ port: 80, nodePort: 30000, name: 'web' }] },
  })
})
