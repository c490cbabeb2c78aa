import { afterEach, expect, test } from 'vitest'
import { LabReader } from '../../src/lab/actual.ts'
import { awaitConverged } from '../../src/lab/convergence.ts'
import { healFault, injectFault } from '../../src/lab/faults/faults.ts'
import { readState } from '../../src/lab/state.ts'
import { type LabStatus, readStatus } from '../../src/lab/status.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { exampleFile, exampleIntent, nothing, planOf, remains, startWeft, weft } from './lab-fixture.ts'

const labs = ['tlab', 'tlab-two']

afterEach(async () => {
  for (const lab of labs) await takeDown(lab)
})

test('a lab comes up as planned, says so, answers questions, and goes without a trace', async () => {
  const up = await weft('lab', 'up', exampleFile('one-rack'), '--name', 'tlab', '--no-kubernetes')
  expect(up).toMatchObject({ code: 0, stdout: expect.stringMatching(/is up and as planned after/) })

  const status = await weft('lab', 'status', '--name', 'tlab', '-o', 'json')
  expect(status.code).toBe(0)
  expect(JSON.parse(status.stdout) as LabStatus).toMatchObject({
    isAsPlanned: true,
    differences: [],
    roles: [
      { role: 'leaf', devices: 2, sessions: { planned: 4, actual: 4 }, bfd: { planned: 4, actual: 4 } },
      { role: 'node', devices: 2, sessions: { planned: 4, actual: 4 } },
    ],
  })

  const exec = await weft(
    'lab',
    'exec',
    'dc1-compute1-n1',
    '--name',
    'tlab',
    '--',
    'ip',
    '-br',
    'addr',
    'show',
    'lo',
  )
  expect(exec.stdout).toContain('10.10.19.1/32')
  const failing = await weft('lab', 'exec', 'dc1-compute1-n1', '--name', 'tlab', '--', 'sh', '-c', 'exit 7')
  expect(failing.code).toBe(7)
  const vtysh = await weft('lab', 'vtysh', 'leaf', '-c', 'show version', '--name', 'tlab')
  // Equal answers are given once.
  expect(vtysh.stdout).toMatch(/^== dc1-compute1-leaf1, dc1-compute1-leaf2 \(2\)\nFRRouting/)

  const again = await weft('lab', 'up', exampleFile('one-rack'), '--name', 'tlab')
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('WEFT_LAB_EXISTS') })

  expect((await weft('lab', 'down', 'tlab')).code).toBe(0)
  expect(await remains('tlab')).toEqual(nothing)
})

test('labs live side by side, also when one name begins with the other', async () => {
  const plan = planOf(exampleIntent('one-rack'))
  await bringUp(plan, { name: 'tlab', kubernetes: false })
  await bringUp(plan, { name: 'tlab-two', kubernetes: false })

  await takeDown('tlab')

  expect(await remains('tlab')).toEqual(nothing)
  expect(await readStatus('tlab-two')).toMatchObject({ isAsPlanned: true, differences: [] })
})

test('status names a link without carrier and what it costs, and nothing once it is healed', async () => {
  await bringUp(planOf(exampleIntent('one-rack')), { name: 'tlab', kubernetes: false })
  const link = 'dc1-compute1-leaf1--dc1-compute1-n1'

  const { id } = await injectFault('tlab', { kind: 'carrier', link })
  const { differences } = await untilStatus('tlab', (status) =>
    status.differences.some(
      ({ device, kind, subject }) =>
        device === 'dc1-compute1-n1' && kind === 'route' && subject === '10.10.19.2/32',
    ),
  )
  await healFault('tlab', id)
  const state = await readState('tlab')
  const reader = new LabReader('tlab')
  await awaitConverged({
    lab: 'tlab',
    plan: state!.plan,
    reader,
    pods: false,
    timeoutMs: 30_000,
    onProgress: () => {},
  }).finally(() => reader.close())

  expect(differences).toContainEqual(
    expect.objectContaining({
      device: 'dc1-compute1-leaf1',
      kind: 'session',
      planned: 'Established',
      why: expect.stringMatching(/is set down/),
    }),
  )
  expect((await readStatus('tlab')).differences).toEqual([])
})

test('a line that FRR refuses fails with device, daemon and line, and leaves nothing', async () => {
  const plan = planOf(exampleIntent('one-rack'))
  // A password with a space: bgpd reads the rest as another word.
  for (const session of plan.sessions.slice(0, 1)) session.password = 'two words'

  await expect(bringUp(plan, { name: 'tlab', kubernetes: false })).rejects.toMatchObject({
    code: 'WEFT_LAB_CONFIG_LOST',
    message: expect.stringMatching(/^bgpd of dc1-compute1-\S+ did not take the line ".*password two words"/),
  })
  expect(await remains('tlab')).toEqual(nothing)
})

test('Ctrl-C in the middle takes down what was built', async () => {
  const up = startWeft('lab', 'up', exampleFile('two-sites'), '--name', 'tlab', '--no-kubernetes')
  await up.until(/namespaces 32\/32/)

  process.kill(up.pid, 'SIGINT')

  expect(await up.ended).toEqual({ code: 130, signal: null })
  expect(await remains('tlab')).toEqual(nothing)
})

test('down removes everything of a lab whose builder was killed at any moment', async () => {
  for (const moment of [/namespaces 32\/32/, /links 32\/32/, /sessions 116\/116/]) {
    const up = startWeft('lab', 'up', exampleFile('two-sites'), '--name', 'tlab', '--no-kubernetes')
    await up.until(moment)
    process.kill(up.pid, 'SIGKILL')
    await up.ended

    const down = await weft('lab', 'down', 'tlab')

    expect(down.code, down.stderr).toBe(0)
    expect(await remains('tlab')).toEqual(nothing)
  }
})

test('two commands on one lab do not meet', async () => {
  // Large enough to be still at work when the second command has waited its two seconds.
  const up = startWeft('lab', 'up', exampleFile('two-sites'), '--name', 'tlab', '--no-kubernetes')
  await up.until(/namespaces \d+/)

  const down = await weft('lab', 'down', 'tlab')

  expect(down).toMatchObject({ code: 1, stderr: expect.stringContaining('WEFT_LAB_BUSY') })
  expect((await up.ended).code).toBe(0)
})

async function untilStatus(lab: string, isReached: (status: LabStatus) => boolean): Promise<LabStatus> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const status = await readStatus(lab)
    if (isReached(status)) return status
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(status.differences)}`)
  }
}
