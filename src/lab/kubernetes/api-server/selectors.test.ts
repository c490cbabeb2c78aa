import { expect, test } from 'vitest'
import type { AnyObject } from './objects.ts'
import { readField } from './resource-type.ts'
import { parseFieldSelector, parseLabelSelector, selectsLabels } from './selectors.ts'

test.each([
  ['app=web', true],
  ['app==web,tier!=back', true],
  ['app in (web, db),tier', true],
  ['app notin (web)', false],
  ['!zone', true],
  ['zone!=eu', true],
  ['zone in (eu)', false],
  ['app=web,example.com/rack=r1', true],
])('label selector %s', (selector, expected) => {
  const labels = { app: 'web', tier: 'front', 'example.com/rack': 'r1' }

  expect(parseLabelSelector(selector)(labels)).toBe(expected)
})

test('refuses what is not a label selector', () => {
  expect(() => parseLabelSelector('a b c')).toThrow('"a b c" is not a requirement')
})

test('field selectors compare nested fields, absent ones as empty', () => {
  const readers = { 'spec.nodeName': readField('spec.nodeName'), 'status.phase': readField('status.phase') }
  const pod: AnyObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { nodeName: 'n1' } }

  expect(parseFieldSelector('spec.nodeName=n1,status.phase!=Failed', readers)(pod)).toBe(true)
  expect(parseFieldSelector('spec.nodeName=', readers)(pod)).toBe(false)
  expect(() => parseFieldSelector('spec.color=red', readers)).toThrow('field label not supported: spec.color')
})

test('an empty Service selector selects nothing', () => {
  expect(selectsLabels({}, { app: 'web' })).toBe(false)
  expect(selectsLabels({ app: 'web' }, { app: 'web', a: 'b' })).toBe(true)
})
