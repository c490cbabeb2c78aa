import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { oneSiteWithPeer } from './one-site.fixture.ts'
import { spawnWeft } from './spawn-weft.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-simulation-'))
  writeFileSync(join(folder, 'weft.yaml'), oneSiteWithPeer)
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const weft = (...args: string[]) => spawnWeft(folder, ...args)

test('trace: an announced address is reached from the peer over every path; a cut narrows it; nothing is lost', async () => {
  const announced = ['--announce', '10.10.21.5@dc1-compute1-n1*3', '10.10.21.5@dc1-compute1-n2']
  const whole = await weft('trace', 'isp', '10.10.21.5', ...announced)
  expect(whole.code).toBe(0)
  expect(whole.stdout).toContain('isp → dc1-edge1')

  const cut = await weft('-o', 'json', 'trace', 'isp', '10.10.21.5', ...announced, '--fail', 'dc1-edge1')
  expect(JSON.parse(cut.stdout)).toMatchObject({
    narrowest: 1,
    endings: [{ outcome: 'delivered' }, { outcome: 'delivered' }],
  })
})

test('trace: what nobody announces is lost at once, with exit code 1 and the next question to ask', async () => {
  const { code, stdout } = await weft('trace', 'isp', '10.10.21.5')
  expect(code).toBe(1)
  expect(stdout).toContain('weft explain route 10.10.21.5 --on isp')
})

test('routes: who has an address, by longest match; a device or a role', async () => {
  const { stdout } = await weft('-o', 'json', 'routes', '10.10.19.1', '--on', 'spine')
  const { routes } = JSON.parse(stdout) as { routes: { device: string; nextHops: object[] }[] }
  expect(routes.map(({ device, nextHops }) => [device, nextHops.length])).toEqual([
    ['dc1-spine1', 2],
    ['dc1-spine2', 2],
  ])
})

test('explain: the filter, its entry and the line of the intent', async () => {
  const { code, stdout } = await weft('explain', 'route', '10.10.19.1/32', '--on', 'isp')
  expect(code).toBe(1)
  expect(stdout).toMatch(/refused by dc1-border1 on export: route map BORDER-TO-EDGE/)
  expect(stdout).toMatch(/weft\.yaml:\d+ /)

  const session = await weft('explain', 'session', 'dc1-edge1', 'isp')
  expect(session.stdout).toContain('comes up')
})

test('load: shares add up; a matrix of nonsense is refused', async () => {
  const { stdout } = await weft('-o', 'json', 'load')
  const { offered, delivered } = JSON.parse(stdout) as { offered: number; delivered: Record<string, number> }
  expect(offered).toBe(2)
  expect(Object.values(delivered)).toEqual([1, 1])

  writeFileSync(join(folder, 'matrix.json'), '[{"from": "dc1-compute1-n1"}]')
  expect(await weft('load', '--matrix', 'matrix.json')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('entry 1 lacks "from" or "to"') as string,
  })
})

test.each([
  [['trace', 'dc1-compute1-n9', '10.10.19.1'], 'WEFT_DEVICE_UNKNOWN'],
  [['trace', '10.99.0.1', '10.10.19.1'], 'WEFT_ENDPOINT_UNKNOWN'],
  [['trace', 'dc1-spine1', '10.10.19.1', '--flows', 'many'], 'WEFT_USAGE'],
  [['trace', 'dc1-spine1', '10.10.19.1', '--announce', '10.10.21.5@dc1-spine1'], 'WEFT_USAGE'],
  [['routes', '10.10.19.1/24'], 'WEFT_USAGE'],
  [['load', '--from', 'nobody'], 'WEFT_DEVICE_UNKNOWN'],
  [['routes', '10.10.19.1', '--on', 'leafs'], 'did you mean leaf?'],
  [['routes', '10.10.19.1', '--on', 'super-spine'], 'no device of this plan has the role super-spine'],
  [['routes', '10.10.19.1', '--fail', 'dc1-spine1--dc1-spine2'], 'no link joins dc1-spine1 and dc1-spine2'],
])('%j is refused with %s', async (args, code) => {
  const run = await weft(...args)
  expect(run.code).toBe(2)
  expect(run.stderr).toContain(code)
})

test('verify configs: rendered text holds, once the peer is declared to be somebody else’s', async () => {
  await weft('render', '--out', 'conf')
  const before = await weft('verify', 'configs', 'conf')
  expect(before.code).toBe(2)
  expect(before.stdout).toContain('other end unknown')

  writeFileSync(join(folder, 'conf', 'links'), 'outside dc1-edge1 192.0.2.1\noutside dc1-edge2 192.0.2.3\n')
  const after = await weft('verify', 'configs', 'conf')
  expect(after.stdout).toMatch(/ok\n$/)
  expect(after.code).toBe(0)
})

test('verify configs: what is no folder of configurations is bad input', async () => {
  mkdirSync(join(folder, 'empty'))
  expect((await weft('verify', 'configs', 'empty')).code).toBe(3)
  expect((await weft('verify', 'configs', 'nowhere')).code).toBe(3)
  expect(await weft('verify', 'configs', 'conf', '--routes', 'everything')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('"everything" is neither a prefix nor an address') as string,
  })
})
