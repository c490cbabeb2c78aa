import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { oneSite, oneSiteWithPeer } from './one-site.fixture.ts'
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

function write(text: string): void {
  writeFileSync(join(folder, 'weft.yaml'), text)
}

function edit(from: string, to: string): void {
  const file = join(folder, 'weft.yaml')
  const text = readFileSync(file, 'utf8')
  const edited = text.replace(from, to)
  expect(edited).not.toBe(text)
  writeFileSync(file, edited)
}

test('a starter is written, planned and remembered; a second init leaves it alone', async () => {
  const init = await weft('init')
  const again = await weft('init')
  const plan = await weft('plan')

  expect(init).toMatchObject({ code: 0, stdout: 'wrote weft.yaml\nnext:  weft plan\n' })
  expect(again).toMatchObject({ code: 2, stdout: '' })
  expect(again.stderr).toContain('WEFT_FILE_EXISTS')
  expect(plan.code).toBe(0)
  expect(plan.stderr).toContain('wrote weft.lock')
  for (const word of ['CAPACITY', 'DEVICES', 'SESSIONS', 'PREFIXES', '10.10.19.1/32']) {
    expect(plan.stdout).toContain(word)
  }
  expect(plan.stdout).not.toContain('\u001b[')
  expect(statSync(join(folder, '.weft/weft.plan.json')).mode & 0o777).toBe(0o600)
})

test('--check, --diff and --against preview an edit and write nothing', async () => {
  write(oneSite)
  const fresh = await weft('plan', '--check')
  await weft('plan')
  execFileSync('git', ['init', '--quiet'], { cwd: folder })
  execFileSync('git', ['add', '.'], { cwd: folder })
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '--quiet', '-m', 'x'], {
    cwd: folder,
  })
  const lock = readFileSync(join(folder, 'weft.lock'), 'utf8')
  const upToDate = await weft('plan', '--check', '--diff')

  edit('nodes: 2', 'nodes: 3')
  edit('sites:', 'bgp: { timers: { keepalive: 2, hold: 6 } }\nsites:')
  const check = await weft('plan', '--check')
  const diff = await weft('plan', '--diff')
  const against = await weft('plan', '--against', 'HEAD', '-o', 'json')

  expect(fresh.code).toBe(1)
  expect(upToDate).toMatchObject({
    code: 0,
    stdout: 'nothing changes, compared with .weft/weft.plan.json\n',
  })
  expect(check.code).toBe(1)
  expect(check.stdout).toContain('+ dc1/nodes  dc1-compute1-n3 = 3')
  expect(diff.code).toBe(0)
  expect(diff.stdout).toContain('+ dc1-compute1-n3')
  expect(diff.stdout).toContain('dc1-spine1--dc1-compute1-leaf1: timers  (resets)')
  expect(diff.stdout).toContain('8 running sessions reset')
  expect(JSON.parse(against.stdout)).toMatchObject({
    base: 'git HEAD',
    devices: { added: ['dc1-compute1-n3'] },
  })
  expect(readFileSync(join(folder, 'weft.lock'), 'utf8')).toBe(lock)
})

test('passwords never leave in a plan, and a changed one still shows as a reset', async () => {
  write(oneSiteWithPeer)
  const plan = await weft('plan', '-o', 'json')
  edit('hush-1', 'hush-2')
  const diff = await weft('plan', '--diff')

  expect(plan.stdout).toContain('sha256:')
  expect(plan.stdout + readFileSync(join(folder, '.weft/weft.plan.json'), 'utf8')).not.toContain('hush')
  expect(diff.stdout).toMatch(/isp.*password.*\(resets\)/)
})

test('every mistake of a file is shown at its place, with exit code 2 and nothing written', async () => {
  write(oneSite)
  edit('spines: 2', 'spinez: 2')
  edit('10.10.19.0/24', '10.10.18.0/25')

  const [text, json] = await Promise.all([weft('plan'), weft('plan', '-o', 'json')])

  expect(text).toMatchObject({ code: 2, stdout: '' })
  expect(text.stderr).toMatch(/weft\.yaml:\d+:\d+ error WEFT_INTENT_UNKNOWN_KEY/)
  expect(text.stderr).toContain('spines')
  expect(text.stderr).toContain('WEFT_INTENT_PREFIX_OVERLAP')
  expect(text.stderr).toMatch(/\d errors in weft\.yaml; nothing was written/)
  expect(json).toMatchObject({ code: 2, stdout: '' })
  expect(JSON.parse(json.stderr)).toMatchObject({
    diagnostics: expect.arrayContaining([expect.objectContaining({ code: 'WEFT_INTENT_UNKNOWN_KEY' })]),
    error: { code: 'WEFT_INPUT_INVALID' },
  })
  expect(() => statSync(join(folder, 'weft.lock'))).toThrow('ENOENT')
})

test.each([
  ['a missing file', [], 'nope.yaml', 'WEFT_FILE_MISSING', 'weft init'],
  ['a folder instead of a file', [], '.', 'WEFT_FILE_REFUSED', 'directory'],
  ['malformed YAML', [['broken.yaml', 'sites: [']], 'broken.yaml', 'WEFT_INTENT_SYNTAX', 'broken.yaml:1'],
  ['a broken lock', [['weft.lock', '{']], 'weft.yaml', 'WEFT_LOCK_UNREADABLE', 'version control'],
] as const)('%s is one clear error with exit code 2', async (_name, files, argument, code, help) => {
  write(oneSite)
  for (const [name, text] of files) writeFileSync(join(folder, name), text)

  const run = await weft('plan', argument)

  expect(run).toMatchObject({ code: 2, stdout: '' })
  expect(run.stderr).toContain(code)
  expect(run.stderr).toContain(help)
  expect(run.stderr).not.toContain('    at ')
})

test('a site that is not there is answered with the nearest name', async () => {
  write(oneSite)

  const run = await weft('plan', '--site', 'dc2')

  expect(run.code).toBe(2)
  expect(run.stderr).toContain('did you mean dc1?')
})
