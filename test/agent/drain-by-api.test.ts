import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { Fixture } from './fixture.ts'

/* Drains from where kubectl works: the command knows a kubeconfig only, and the agent is followed by its Events. */

const vip = '10.9.0.1/32'
let fixture: Fixture
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-kubeconfig-'))
  const parts = {
    clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:6443' } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
  }
  const config = { apiVersion: 'v1', kind: 'Config', ...parts, 'current-context': 'here' }
  await writeFile(join(folder, 'config'), JSON.stringify(config))
  fixture = await Fixture.create('wgk')
  await fixture.createService('web', ['10.9.0.1'])
  await fixture.startAgent({ drain: { settleSeconds: 0.5 } })
  await fixture.untilLeaf('set', vip)
})
afterAll(async () => {
  await fixture?.destroy()
  await rm(folder, { recursive: true, force: true })
})

/** Runs the command line where the API can be reached. */
async function weft(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
  const [command, ...rest] = inNamespace(fixture.node.name, [
    process.execPath,
    main,
    ...args,
    '--kubeconfig',
    join(folder, 'config'),
  ])
  return await run([command, ...rest], { timeoutMs: 60_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Error) => ({ code: 1, stdout: '', stderr: error.message }),
  )
}

test('drain and undrain by annotation, each twice, wait for the agent', async () => {
  for (let round = 0; round < 2; round++) {
    const drained = await weft('drain', 'node', 'n1', '--timeout', '40')
    expect(drained.stderr).toBe('n1 is annotated; waiting for its agent\n')
    expect(drained.stdout).toMatch(/^n1 is drained after [\d.]+ s\n$/)
    await fixture.untilLeaf('deleted', vip)

    const again = await weft('drain', 'node', 'n1')
    expect(again).toMatchObject({ code: 0, stderr: '' })

    expect((await weft('undrain', 'node', 'n1')).stdout).toMatch(/^n1 is serving after [\d.]+ s\n$/)
    await fixture.untilLeaf('set', vip)
  }
  const idle = await weft('undrain', 'node', 'n1', '-o', 'json')
  expect(JSON.parse(idle.stdout)).toMatchObject({ node: 'n1', phase: 'serving' })
})

test('a node that does not exist, a context that does not, and an agent that says nothing are named', async () => {
  expect((await weft('drain', 'node', 'n9')).stderr).toContain('has no Node "n9"')
  expect((await weft('drain', 'node', 'n1', '--context', 'there')).stderr).toContain('there')
  await fixture.stopAgent('SIGKILL')
  const silent = await weft('drain', 'node', 'n1', '--timeout', '2')
  expect(silent.stderr).toContain('no agent has said within')
})
