import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { oneSite } from './one-site.fixture.ts'
import { spawnWeft } from './spawn-weft.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-cli-'))
  writeFileSync(join(folder, 'weft.yaml'), oneSite)
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function weft(...args: string[]) {
  return spawnWeft(folder, ...args)
}

function list(path: string): string[] {
  return readdirSync(join(folder, path)).sort()
}

test('one device is printed, its other files on request', async () => {
  const frr = await weft('render', 'dc1-spine1')
  const daemons = await weft('render', 'dc1-spine1', '--part', 'daemons')

  expect(frr.stdout).toContain('hostname dc1-spine1')
  expect(daemons.stdout).toContain('bgpd=yes')
})

test('a folder holds what the plan holds, and says what changed', async () => {
  const first = await weft('render', '--out', 'conf')
  writeFileSync(join(folder, 'conf/README'), 'kept')
  writeFileSync(join(folder, 'conf/dc1-spine1/frr.conf'), 'edited by hand')
  const yaml = join(folder, 'weft.yaml')
  writeFileSync(yaml, readFileSync(yaml, 'utf8').replace('nodes: 2', 'nodes: 1'))
  const second = await weft('render', '--out', 'conf', '-o', 'json')
  const third = await weft('render', '--out', 'conf')

  expect(first.stdout).toBe('conf: 6 devices written, 0 unchanged\n')
  const change = JSON.parse(second.stdout) as Record<string, string[]>
  expect(change.removed).toEqual(['dc1-compute1-n2'])
  expect(change.written).toContain('dc1-spine1')
  expect(change.unchanged).toContain('dc1-compute1-n1')
  expect(third.stdout).toBe('conf: 0 devices written, 5 unchanged\n')
  expect(list('conf')).toEqual([
    '.weft-render.json',
    'README',
    ...['dc1-compute1-leaf1', 'dc1-compute1-leaf2', 'dc1-compute1-n1', 'dc1-spine1', 'dc1-spine2'],
  ])
  expect(readFileSync(join(folder, 'conf/dc1-spine1/frr.conf'), 'utf8')).toContain('hostname dc1-spine1')
})

test('rendering some devices leaves the others in place', async () => {
  await weft('render', '--out', 'conf')

  const some = await weft('render', 'dc1-*-leaf*', '--out', 'conf')

  expect(some.stdout).toBe('conf: 0 devices written, 2 unchanged\n')
  expect(list('conf')).toHaveLength(7)
})

test('a device that is not there is answered with the nearest name, and nothing is written', async () => {
  const run = await weft('render', 'dc1-spin1', '--out', 'conf')

  expect(run).toMatchObject({ code: 2, stdout: '' })
  expect(run.stderr).toContain('did you mean dc1-spine1?')
  expect(list('.')).toEqual(['weft.yaml'])
})

test('a folder of somebody else, a file and an unwritable place are refused as they are', async () => {
  mkdirSync(join(folder, 'home'))
  writeFileSync(join(folder, 'home/letter'), 'dear')

  const foreign = await weft('render', '--out', 'home')
  const file = await weft('render', '--out', 'weft.yaml')
  // Not even root may create folders there.
  const unwritable = await weft('render', '--out', '/sys/weft')
  const endless = await weft('render', '--out', '/proc/weft/conf')

  expect(foreign.stderr).toContain('WEFT_RENDER_FOLDER_FOREIGN')
  expect(list('home')).toEqual(['letter'])
  for (const run of [foreign, file, unwritable, endless]) {
    expect(run).toMatchObject({ code: 2, stdout: '' })
    expect(run.stderr).toContain('hint:')
    expect(run.stderr).not.toContain('WEFT_BUG')
  }
})

test('usage mistakes are answered with what was meant', async () => {
  const command = await weft('rendr')
  const option = await weft('render', '--ouput', 'json')
  const several = await weft('render')
  const intent = await weft('render', 'weft.yaml')

  expect(command.stderr).toContain('Did you mean render?')
  expect(option.stderr).toContain('Did you mean --output?')
  expect(several.stderr).toContain('weft render --out conf')
  expect(intent.stderr).toContain('weft render --file weft.yaml')
  for (const run of [command, option, several, intent]) expect(run.code).toBe(2)
})

test('a reader that leaves early is no error', async () => {
  const main = join(import.meta.dirname, 'main.ts')

  const text = execFileSync(
    'bash',
    ['-c', 'set -o pipefail; "$0" "$1" plan --show all | head -1', process.execPath, main],
    { cwd: folder, encoding: 'utf8' },
  )

  expect(text.split('\n')).toHaveLength(2)
})

test('completion knows every command and the sections of a plan', async () => {
  const run = await weft('completion', 'bash')

  for (const command of ['init', 'plan', 'verify', 'render', 'drill'])
    expect(run.stdout).toMatch(new RegExp(`\\b${command}\\b`))
  execFileSync('bash', ['-n'], { input: run.stdout })
})
