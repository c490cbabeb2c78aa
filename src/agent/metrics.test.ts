import { expect, test } from 'vitest'
import { MetricRegistry } from './metrics.ts'

test('prints counters, gauges and cumulative histograms with escaped labels', () => {
  const registry = new MetricRegistry()
  const changes = registry.counter('weft_changes_total', 'Changes made.')
  const seconds = registry.histogram('weft_apply_seconds', 'Time to apply.', [0.005, 0.01])
  registry.observe('weft_up', 'Is it up?', () => [{ labels: { name: 'a"b\\' }, value: 1 }])

  changes.increment({ kind: 'announce' })
  changes.increment({ kind: 'announce' }, 2)
  seconds.observe(0.004)
  seconds.observe(0.007)
  seconds.observe(1)

  expect(registry.print()).toMatchInlineSnapshot(`
    "# HELP weft_changes_total Changes made.
    # TYPE weft_changes_total counter
    weft_changes_total{kind="announce"} 3
    # HELP weft_apply_seconds Time to apply.
    # TYPE weft_apply_seconds histogram
    weft_apply_seconds_bucket{le="0.005"} 1
    weft_apply_seconds_bucket{le="0.01"} 2
    weft_apply_seconds_bucket{le="+Inf"} 3
    weft_apply_seconds_sum 1.011
    weft_apply_seconds_count 3
    # HELP weft_up Is it up?
    # TYPE weft_up gauge
    weft_up{name="a\\"b\\\\"} 1
    "
  `)
})
