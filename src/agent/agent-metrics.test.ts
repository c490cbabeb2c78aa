import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createMetrics } from './agent-metrics.ts'
import type { ClusterView } from './cluster-view.ts'
import type { Decision } from './desired/decision.ts'
import type { Reconciler } from './reconciler.ts'

const decisions = new Map<string, Decision>([
  [
    '10.9.0.3',
    {
      kind: 'announce',
      address: '10.9.0.3',
      prefix: '10.9.0.3/32',
      family: 'ipv4',
      pool: 'web',
      scope: 'site',
      services: ['shop/local'],
    },
  ],
  [
    '10.9.0.1',
    {
      kind: 'announce',
      address: '10.9.0.1',
      prefix: '10.9.0.1/32',
      family: 'ipv4',
      pool: 'web',
      scope: 'site',
      weight: 3,
      services: ['shop/web'],
      held: { by: 'last-announcer', text: 'nobody else', against: 'no-ready-endpoint' },
    },
  ],
  [
    '10.9.0.2',
    { kind: 'withheld', address: '10.9.0.2', code: 'damped', text: 't', object: 'o', services: ['shop/api'] },
  ],
])

function makeMetrics() {
  return createMetrics({
    cluster: () =>
      ({
        reflectors: new Map(),
        serviceOf: (key: string) => ({ externalTrafficPolicy: key === 'shop/local' ? 'Local' : 'Cluster' }),
      }) as unknown as ClusterView,
    weights: () => ({ ignored: new Map([['10.9.0.1', ['leaf1']]]) }),
    decisions: () => decisions,
    reconciler: () => ({ isBgpdUp: true, isSettled: true, announced: ['10.9.0.1'] }) as unknown as Reconciler,
    control: () => ({
      drain() {},
      undrain() {},
      drainStatus: { phase: 'draining', isFinal: false, text: '', sinceMs: 0 },
    }),
  })
}

test('metrics.md explains every metric with its type, and no other', () => {
  const page = readFileSync('docs/reference/metrics.md', 'utf8')
  const documented = [...page.matchAll(/^### (weft_\w+)\n\n(Gauge|Counter|Histogram)\b/gm)]
  const printed = [
    ...makeMetrics()
      .registry.print()
      .matchAll(/^# TYPE (\S+) (\S+)$/gm),
  ]

  const byName = (entries: RegExpExecArray[]) =>
    entries.map(([, name, type]) => `${name} ${type?.toLowerCase()}`).toSorted()
  expect(byName(documented)).toEqual(byName(printed))
})

test('names follow the conventions: counters end in _total and nothing else does', () => {
  const printed = [
    ...makeMetrics()
      .registry.print()
      .matchAll(/^# TYPE (\S+) (\S+)$/gm),
  ]
  const wrong = printed.filter(([, name, type]) => (type === 'counter') !== name?.endsWith('_total'))
  expect(wrong).toEqual([])
})

test('counts decisions by reason and by guard, and names the phase of a drain', () => {
  const lines = makeMetrics().registry.print().split('\n')
  expect(lines).toEqual(
    expect.arrayContaining([
      'weft_agent_withheld_addresses{reason="damped"} 1',
      'weft_agent_withheld_addresses{reason="headless"} 0',
      'weft_agent_held_addresses{guard="last-announcer"} 1',
      'weft_agent_damped_addresses 1',
      'weft_agent_weighted_addresses 1',
      'weft_agent_weights_ignored_addresses{seen="here"} 1',
      'weft_agent_weights_ignored_addresses{seen="neighbor"} 1',
      'weft_agent_drain_phase{phase="draining"} 1',
    ]),
  )
})
