/**
 * The control plane as the lab starts it: a process with a configuration file.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { send } from '../../src/lab/kubernetes/test-client.ts'

const main = fileURLToPath(new URL('../../src/lab/kubernetes/main.ts', import.meta.url))
let folder: string
const children = new Set<ChildProcessWithoutNullStreams>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-control-plane-'))
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

async function start(
  config: unknown,
): Promise<{ child: ChildProcessWithoutNullStreams; ended: Promise<[number | null, string]> }> {
  const path = join(folder, `config-${children.size}.json`)
  await writeFile(path, typeof config === 'string' ? config : JSON.stringify(config))
  const child = spawn(process.execPath, [main, path])
  children.add(child)
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const ended = once(child, 'close').then(([code]): [number | null, string] => {
    children.delete(child)
    return [code as number | null, stderr]
  })
  return { child, ended }
}

async function readyUrl(child: ChildProcessWithoutNullStreams): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { msg: string; urls?: string[] }
    if (entry.msg === 'control plane ready') return entry.urls![0]!
  }
  throw new Error('the control plane ended before it was ready')
}

const config = (port: number) => ({
  listeners: [{ address: '127.0.0.1', port }],
  serviceCidrs: ['10.96.0.0/16'],
})

test('says when it is ready, answers, ends an open watch and itself on SIGTERM', async () => {
  const { child, ended } = await start(config(0))
  const url = await readyUrl(child)

  expect((await send(`${url}/readyz`)).body).toBe('ok')
  const watch = await fetch(`${url}/api/v1/pods?watch=true`)
  child.kill('SIGTERM')

  expect(await ended).toEqual([0, ''])
  await watch.body?.cancel().catch(() => {})
})

test('a port in use is one clear error with exit code 3', async () => {
  const first = await start(config(0))
  const url = await readyUrl(first.child)
  const { port } = new URL(url)

  const [code, stderr] = await (await start(config(Number(port)))).ended

  expect(code).toBe(3)
  expect(stderr).toContain('WEFT_LAB_API_ADDRESS_IN_USE')
  expect(stderr).toContain(`another process already listens on 127.0.0.1:${port}`)
  first.child.kill('SIGTERM')
  await first.ended
})

test('a configuration that cannot be used is one clear error with exit code 2', async () => {
  const [code, stderr] = await (await start('{"listeners":')).ended
  const [otherCode, otherStderr] = await (await start({ listeners: [] })).ended

  expect([code, otherCode]).toEqual([2, 2])
  expect(stderr).toContain('is not JSON')
  expect(otherStderr).toMatch(/listeners: .*\n.*serviceCidrs: /)
})
