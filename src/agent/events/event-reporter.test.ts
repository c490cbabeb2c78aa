import { expect, test } from 'vitest'
import type { Announce, Decision } from '../desired/decision.ts'
import { EventReporter } from './event-reporter.ts'

const announce: Announce = {
  kind: 'announce',
  address: '10.9.0.1',
  prefix: '10.9.0.1/32',
  family: 'ipv4',
  pool: 'web',
  scope: 'site',
  weight: 3,
  services: ['shop/web'],
}

test('ignored weights are told once at the Service, and again when they come back', () => {
  const told: unknown[] = []
  const decisions = new Map<string, Decision>([[announce.address, announce]])
  const recorder = { record: (about: object, text: object) => told.push({ ...about, ...text }) }
  const reporter = new EventReporter({ recorder, node: 'n1', decisions })
  const ignored = new Map([['10.9.0.1', ['leaf1']]])

  reporter.lookAtIgnoredWeights(ignored)
  reporter.lookAtIgnoredWeights(ignored)
  expect(told).toMatchObject([
    {
      kind: 'Service',
      namespace: 'shop',
      name: 'web',
      type: 'Warning',
      reason: 'WeightsIgnored',
      message: expect.stringContaining('10.9.0.1: leaf1 has a route to it without a weight'),
    },
  ])
  reporter.lookAtIgnoredWeights(new Map())
  reporter.lookAtIgnoredWeights(ignored)
  expect(told).toHaveLength(2)
})
