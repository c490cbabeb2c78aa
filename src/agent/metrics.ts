/*
 * The agent's own metrics, in the Prometheus text format.
 *
 * Counters and histograms are kept here; gauges are asked for when somebody scrapes. A client library would cost more
 * memory than the agent's whole view of a thousand Services.
 */

export type Labels = Readonly<Record<string, string>>

interface Sample {
  suffix?: string
  labels: Labels
  value: number
}

interface Metric {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  collect: () => Sample[]
}

export class Counter {
  readonly #values = new Map<string, { labels: Labels; value: number }>()

  increment(labels: Labels = {}, by = 1): void {
    const key = JSON.stringify(labels)
    const entry = this.#values.get(key) ?? { labels, value: 0 }
    entry.value += by
    this.#values.set(key, entry)
  }

  collect(): Sample[] {
    return [...this.#values.values()]
  }
}

export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.#sum += value
    this.#count++
    const index = this.#bounds.findIndex((bound) => value <= bound)
    if (index >= 0) this.#counts[index]! += 1
  }

  collect(): Sample[] {
    let below = 0
    const buckets = this.#bounds.map((bound, index) => {
      below += this.#counts[index] ?? 0
      return { suffix: '_bucket', labels: { le: String(bound) }, value: below }
    })
    return [
      ...buckets,
      { suffix: '_bucket', labels: { le: '+Inf' }, value: this.#count },
      { suffix: '_sum', labels: {}, value: this.#sum },
      { suffix: '_count', labels: {}, value: this.#count },
    ]
  }
}

export class MetricRegistry {
  readonly #metrics: Metric[] = []

  counter(name: string, help: string): Counter {
    const counter = new Counter()
    this.#metrics.push({ name, help, type: 'counter', collect: () => counter.collect() })
    return counter
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const histogram = new Histogram(bounds)
    this.#metrics.push({ name, help, type: 'histogram', collect: () => histogram.collect() })
    return histogram
  }

  /** A gauge, or a counter somebody else keeps, read when it is scraped. */
  observe(
    name: string,
    help: string,
    read: () => { labels: Labels; value: number }[],
    type: 'gauge' | 'counter' = 'gauge',
  ): void {
    this.#metrics.push({ name, help, type, collect: read })
  }

  /** All metrics as text. */
  print(): string {
    return this.#metrics
      .flatMap(({ name, help, type, collect }) => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...collect().map(
          ({ suffix = '', labels, value }) => `${name}${suffix}${printLabels(labels)} ${value}`,
        ),
      ])
      .concat('')
      .join('\n')
  }
}

function printLabels(labels: Labels): string {
  const entries = Object.entries(labels)
  if (entries.length === 0) return ''
  const quote = (value: string) =>
    value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  return `{${entries.map(([key, value]) => `${key}="${quote(value)}"`).join(',')}}`
}
