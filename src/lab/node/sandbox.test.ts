import { expect, test } from 'vitest'
import { netnsOf, podNamespacesOf } from './sandbox.ts'

const uid = '0a1b2c3d-0000-4000-8000-000000000000'

test('a pod’s namespace names its node, its id and its name, and is never too long for a file name', () => {
  expect(netnsOf('weft-demo-pod-', 'n1', { uid, name: 'web-0' })).toBe('weft-demo-pod-n1-0a1b2c3d-web-0')
  expect(netnsOf('weft-demo-pod-', 'n1', { uid, name: 'w'.repeat(250) })).toHaveLength(200)
})

test('nodes whose names begin alike do not touch each other’s pods', () => {
  const mine = netnsOf('weft-demo-pod-', 'n1', { uid, name: 'web' })
  const other = netnsOf('weft-demo-pod-', 'n1-a', { uid, name: 'web' })

  expect(podNamespacesOf('weft-demo-pod-', 'n1', [mine, other, 'weft-demo-n1'])).toEqual([mine])
})
