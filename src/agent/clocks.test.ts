import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/* A clock that is set must neither withdraw a route nor keep one: what decides asks the monotonic clock. */

test('nothing that decides asks for the time of day', () => {
  const told = new Map([
    // Timestamps for people and for Prometheus.
    ['agent/agent-metrics.ts', 2],
    ['agent/drain/drain-controller.ts', 1],
    ['agent/events/event-recorder.ts', 1],
    ['agent/events/report-events.ts', 1],
    // When a client certificate ends is told by the calendar.
    ['kube/kubeconfig.ts', 1],
  ])
  const found = new Map<string, number>()
  for (const folder of ['agent', 'kube']) {
    for (const name of readdirSync(`src/${folder}`, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue
      const uses = readFileSync(`src/${folder}/${name}`, 'utf8').match(/Date\.now\b|new Date\(/g) ?? []
      if (uses.length > 0) found.set(`${folder}/${name}`, uses.length)
    }
  }
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(told))
})
