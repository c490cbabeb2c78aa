import { expect, test } from 'vitest'
import { sketchRun, sketchTopology } from './fixture.ts'
import { layOut } from './layout.ts'
import { renderMarkdown, renderReport } from './report.ts'

const page = renderReport(sketchRun())

test('the page needs nothing from anywhere', () => {
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//)
  expect(page).not.toMatch(/@import|url\(/)
})

test('text of the run cannot become markup', () => {
  expect(page).toContain('sketch &lt;two sites&gt;')
  expect(page).not.toContain('<two sites>')
})

test('what went wrong comes first and is open; what went well is closed', () => {
  const scenarios = [...page.matchAll(/<details id="([^"]+)" class="scenario"( open)?>/g)]

  expect(scenarios.map(([, name, open]) => [name, open !== undefined])).toEqual([
    ['dead-spine', true],
    ['busy', true],
    ['silent-link', false],
    ['drain-node', false],
  ])
})

test('every number in the page is a number', () => {
  expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/)
})

test('a run without samples, flows or events is drawn too', () => {
  const run = sketchRun()
  const empty = { marked: { devices: [], links: [] }, actions: [], traffic: [], timeline: [], phases: null }
  const repeats = [{ ...empty, voidedBecause: null }]
  const bare = renderReport({ ...run, scenarios: run.scenarios.map((entry) => ({ ...entry, repeats })) })

  expect(bare).not.toMatch(/NaN|undefined|Infinity/)
  expect(renderReport({ ...run, scenarios: [] })).not.toMatch(/NaN|undefined|Infinity/)
})

test('no two devices are drawn on the same spot, and none outside', () => {
  const { places, width, height } = layOut(sketchTopology())

  expect(new Set([...places.values()].map(({ x, y }) => `${x},${y}`)).size).toBe(places.size)
  for (const { x, y } of places.values()) {
    expect(x).toBeGreaterThan(0)
    expect(x).toBeLessThan(width)
    expect(y).toBeLessThan(height)
  }
})

test('a large fabric is drawn around what failed', () => {
  const run = sketchRun()
  const many = Array.from({ length: 400 }, (_, index) => ({
    name: `x${index}`,
    role: 'node' as const,
    site: 'dc1',
    tier: 0,
    position: index + 10,
  }))
  const large = renderReport({
    ...run,
    topology: { ...run.topology, devices: [...run.topology.devices, ...many] },
  })

  expect(large).toMatch(/\d+ more devices are not drawn/)
  expect(large).not.toContain('x399')
})

test('Markdown has every class and what was not as expected', () => {
  const text = renderMarkdown(sketchRun())

  expect(text).toContain('| power, spine | 2 | 360 ms | 360 ms | – | 1.20 s |')
  expect(text).toContain('- **A spine loses power**: violated')
  expect(text).not.toContain('A node is drained and returns**')
})
