import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { loadClean } from './fixture.ts'
import { formatJsonSchema, intentJsonSchema } from './json-schema.ts'
import { starterIntent } from './starter.ts'

const published = 'docs/reference/weft.schema.json'

test('the published schema is current', () => {
  // npx vitest run --project unit src/intent/json-schema.test.ts -u writes it.
  return expect(formatJsonSchema()).toMatchFileSnapshot(`../../${published}`)
})

test('every key has a description', () => {
  const missing: string[] = []
  function search(schema: unknown, path: string): void {
    if (typeof schema !== 'object' || schema === null) return
    const {
      properties = {},
      anyOf = [],
      items,
      additionalProperties,
    } = schema as z.core.JSONSchema.JSONSchema
    for (const [key, child] of Object.entries(properties)) {
      const place = `${path}.${key}`
      if (typeof child === 'object' && child.description === undefined) missing.push(place)
      search(child, place)
    }
    for (const child of anyOf) search(child, path)
    for (const child of [items, additionalProperties]) search(child, path)
  }

  search(intentJsonSchema(), '')

  expect(missing).toEqual([])
})

test('editors accept every example and the starter, and mark a misspelt key', () => {
  const schema = z.fromJSONSchema(JSON.parse(formatJsonSchema()))
  const texts = globSync('examples/*/weft.yaml').map((file) => readFileSync(file, 'utf8'))

  for (const text of [...texts, starterIntent('acme')]) {
    expect(schema.safeParse(parse(text)).error).toBeUndefined()
  }
  expect(schema.safeParse({ sites: { dc1: { fabirc: {} } } }).success).toBe(false)
})

test('the reference page names every key', () => {
  const page = readFileSync('docs/reference/intent.md', 'utf8')
  const keys = new Set<string>()
  JSON.stringify(intentJsonSchema(), (_, value: unknown) => {
    if (typeof value === 'object' && value !== null && 'properties' in value) {
      for (const key of Object.keys(value.properties as object)) keys.add(key)
    }
    return value
  })

  expect([...keys].filter((key) => !new RegExp(`\\b${key}\\b`).test(page))).toEqual([])
})

test('the intent on the reference page is complete', () => {
  const page = readFileSync('docs/reference/intent.md', 'utf8')
  const [, example] = /```yaml\n(sites:[^`]+)```/.exec(page)!

  expect(loadClean(example!).sites).toHaveLength(1)
})
