import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { oneSite } from './one-site.fixture.ts'
import { spawnWeft } from './spawn-weft.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-cli-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function weft(...args: string[]) {
  return spawnWeft(folder, ...args)
}

function write(text: string, file = 'weft.yaml'): void {
  writeFileSync(join(folder, file), text)
}

const reach = 'expect:\n  - reach: { from: dc1.nodes, to: dc1.pods, minimumWidth: 2 }\n'

test('a plan that holds is ok: exit code 0, nothing written, what was looked at said', async () => {
  write(oneSite + reach)
  const { code, stdout } = await weft('verify')

  expect(code).toBe(0)
  expect(stdout).toContain(
    'ok         dc1.nodes reaches dc1.pods, over 2 paths or more (2 devices, 2 addresses)',
  )
  expect(stdout).toMatch(/\nOK: \d+ checks, 0 errors, 0 warnings, 0 notes, the expectation holds\n$/)
  expect(stdout).not.toContain('\u001b[')
  expect(existsSync(join(folder, 'weft.lock'))).toBe(false)
})

test('warnings are reported with their line and do not fail, unless asked to', async () => {
  write(`${oneSite}bfd: { node: off }\n`)
  const plain = await weft('verify', '--only', 'bfd-missing')
  const strict = await weft('verify', '--only', 'bfd-missing', '--strict')

  expect(plain).toMatchObject({ code: 0 })
  expect(plain.stdout).toMatch(
    /^weft\.yaml:13:14 warning bfd-missing\n.*silent failure is noticed after up to 9 s, and 3 more/,
  )
  expect(plain.stdout).toContain('    bfd: { node: off }\n                 ^^^\n')
  expect(strict.code).toBe(1)
})

test('an expectation that does not hold is 1, with a counter-example', async () => {
  write(`${oneSite}expect:\n  - reach: { from: dc1.nodes, to: dc1.pods, minimumWidth: 3 }\n`)
  const { code, stdout } = await weft('verify')

  expect(code).toBe(1)
  expect(stdout).toMatch(/\n {2}dc1-compute1-n2 → dc1-compute1-leaf\d → dc1-compute1-n1\n/)
})

test.each([
  ['an intent that is cut off', 'sites:\n  dc1: {', []],
  [
    'expectations that contradict each other',
    `${oneSite}${reach}  - isolate: { from: dc1.nodes, to: dc1.pods }\n`,
    [],
  ],
  ['a device that is not there', `${oneSite}expect:\n  - reach: { from: dc1-spine9, to: dc1.nodes }\n`, []],
  ['a check that is not there', oneSite, ['--only', 'bfd-mising']],
  ['an option that is not there', oneSite, ['--formt', 'sarif']],
])('bad input is 3, with nothing on stdout: %s', async (_what, text, args) => {
  write(text)
  const { code, stdout, stderr } = await weft('verify', ...args)

  expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
  expect(stderr).toMatch(/WEFT_\w+/)
})

test('JSON, JUnit, SARIF and Markdown are written where they are wanted; the text stays on the terminal', async () => {
  write(`${oneSite}bfd: { node: off }\n`)
  const json = await weft('verify', '-o', 'json')
  const sarif = await weft('verify', '--format', 'sarif', '--out', 'reports/weft.sarif')
  const junit = await weft('verify', '--format', 'junit')
  const markdown = await weft('verify', '--format', 'md')

  expect(JSON.parse(json.stdout)).toMatchObject({
    verdict: 'ok',
    findings: [{ check: 'bfd-missing', at: { line: 13 } }],
  })
  expect(sarif.stdout).toContain('OK: ')
  expect(JSON.parse(readFileSync(join(folder, 'reports/weft.sarif'), 'utf8'))).toMatchObject({
    version: '2.1.0',
  })
  expect(junit.stdout).toMatch(/^<\?xml/)
  expect(markdown.stdout).toMatch(/^## ✅ acme: ok/)
})

test('a plan that was edited by hand is verified as it stands, a broken one is 3', async () => {
  write(oneSite)
  const plan = JSON.parse((await weft('plan', '-o', 'json')).stdout)
  plan.devices[0].maximumPaths = 1
  write(JSON.stringify(plan), 'plan.json')
  const edited = await weft('verify', 'plan.json')
  delete plan.policies
  write(JSON.stringify(plan), 'plan.json')
  const broken = await weft('verify', 'plan.json')

  expect(edited.stdout).toContain('ecmp-narrow')
  expect(broken).toMatchObject({ code: 3, stdout: '' })
  expect(broken.stderr).toMatch(/WEFT_VERIFY_PLAN \(policies\)/)
})

test('the checks are listed for people and for programs', async () => {
  const [text, json] = await Promise.all([weft('verify', '--list'), weft('verify', '--list', '-o', 'json')])

  expect(text.stdout).toMatch(/^CHECK +SEVERITY +FINDS\nsession-cannot-form +error/)
  expect(JSON.parse(json.stdout)).toContainEqual(
    expect.objectContaining({ id: 'scope-leak', severity: 'error' }),
  )
})
