import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { inputOfIntent } from './checks/examples.fixture.ts'
import { verifyPlan } from './verdict.ts'

test.each(globSync('examples/*/weft.yaml'))(
  '%s holds what it promises, and nothing but notes is found',
  (file) => {
    const { report } = verifyPlan(inputOfIntent(parse(readFileSync(file, 'utf8'))))

    expect(report).toMatchObject({ verdict: 'ok', undecided: [] })
    expect(report!.judgements.length).toBeGreaterThan(0)
    expect(report!.findings.filter(({ severity }) => severity !== 'note')).toEqual([])
  },
)
