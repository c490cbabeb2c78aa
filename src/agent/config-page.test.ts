import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseAgentConfig } from './config.ts'

const page = readFileSync('docs/reference/agent.md', 'utf8')
const fields = page.slice(page.indexOf('\n## Fields'), page.indexOf('\n## Annotations'))
const entries = new Map(
  fields
    .split(/^### /m)
    .slice(1)
    .map((entry) => [entry.slice(0, entry.indexOf('\n')), entry]),
)
const required = { node: 'n', api: { url: 'http://127.0.0.1:1' }, pools: [] }

/** The refusal of an unknown setting lists all there are. */
function settings(section?: string): string[] {
  const unknown = section === undefined ? { unknown: 1 } : { [section]: { unknown: 1 } }
  const result = parseAgentConfig(JSON.stringify({ ...required, ...unknown }))
  const problem =
    'problems' in result ? result.problems.find(({ path }) => path?.endsWith('unknown')) : undefined
  return (problem?.expected?.replace(/^one of /, '').split(', ') ?? []).toSorted()
}

const sections = ['dataplane', 'guards', 'damping', 'drain']

test('agent.md explains every field of the configuration, and no other', () => {
  expect([...entries.keys()].toSorted()).toEqual(settings())
  for (const section of sections) {
    const documented = [...(entries.get(section) ?? '').matchAll(/^- `(\w+)`:/gm)].map(([, name]) => name)
    expect(documented.toSorted()).toEqual(settings(section))
  }
})

test('the defaults on the page are those of the code', () => {
  const result = parseAgentConfig(JSON.stringify(required))
  if ('problems' in result) throw new TypeError(JSON.stringify(result.problems))
  const config = result.config as unknown as Record<string, Record<string, unknown>>
  const told = [...entries].flatMap(([field, entry]) => {
    const parts = sections.includes(field) ? entry.split(/^- /m).slice(1) : [entry]
    return parts.flatMap((part) => {
      const found = /Default\s+`([^`]+)`/.exec(part)?.[1]
      const name = /^`(\w+)`/.exec(part)?.[1]
      return found === undefined ? [] : [{ field, name, value: readDefault(found) }]
    })
  })
  expect(told.length).toBeGreaterThan(20)
  for (const { field, name, value } of told)
    expect({ field, name, value: name === undefined ? config[field] : config[field]?.[name] }).toEqual({
      field,
      name,
      value,
    })
})

test('the example on the page is accepted', () => {
  const example = /```json\n(.*?)```/s.exec(fields)?.[1] ?? ''
  expect(parseAgentConfig(example)).toHaveProperty('config')
})

function readDefault(text: string): unknown {
  return /^[a-z]+(-[a-z]+)*$/.test(text) && text !== 'true' && text !== 'false' ? text : JSON.parse(text)
}
