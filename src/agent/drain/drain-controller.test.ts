import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { FrrDaemon } from '../../frr/daemon.ts'
import { viewNode } from '../../kube/views.ts'
import { DrainController } from './drain-controller.ts'

/* A bgpd that is only its running configuration; what real FRR makes of the same lines: test/agent/drain.test.ts. */

const instance = 'router bgp 65001\n'
const quiet = { info() {}, error() {} } as never

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function fixture(running = instance) {
  const lines: string[] = []
  const phases: string[] = []
  let nowMs = 0
  let config = running
  const bgpd = {
    show: async () => config,
    configure: async (changes: readonly { line: string }[]) => {
      for (const { line } of changes) {
        lines.push(line)
        const added = line.startsWith('bgp graceful-shutdown') ? ` ${line}` : line
        if (line.startsWith('no ')) config = config.replaceAll(new RegExp(`^ ?${line.slice(3)}\n`, 'gm'), '')
        else config = line.startsWith('bgp community-list') ? `${added}\n${config}` : `${config}${added}\n`
      }
    },
  } as unknown as FrrDaemon
  const start = () => {
    const controller = new DrainController({
      drain: { settleSeconds: 2, key: 'weft.dev/drain' },
      bgpd,
      log: quiet,
      onPhase: (phase) => phases.push(phase),
      now: () => nowMs,
    })
    return controller
  }
  const pass = async (ms: number) => {
    nowMs += ms
    await vi.advanceTimersByTimeAsync(ms)
  }
  return { start, lines, phases, pass, config: () => config }
}

function node(annotation?: string) {
  return viewNode({
    metadata: { name: 'n1', annotations: annotation === undefined ? {} : { 'weft.dev/drain': annotation } },
  })
}

test('an annotation removed while the agent was dead ends the drain it had asked for', async () => {
  const { start, pass, lines, phases, config } = fixture()
  const first = start()
  first.setNode(node('true'))
  first.adopt(config())
  await pass(10)
  await pass(2_000)
  expect(first.drainStatus.phase).toBe('drained')

  const second = start()
  second.setNode(node())
  second.adopt(config())
  await pass(10)

  expect(second.drainStatus).toMatchObject({ phase: 'serving', isFinal: true })
  expect(lines.slice(-2)).toEqual([
    'no bgp graceful-shutdown',
    'no bgp community-list standard WEFT-DRAIN permit graceful-shutdown',
  ])
  expect(phases).toEqual(['draining', 'drained'])
})

test('a command is remembered, also beside an annotation that has gone meanwhile', async () => {
  const { start, pass, config } = fixture()
  const first = start()
  first.adopt(config())
  first.drain()
  first.setNode(node('true'))
  await pass(10)

  const second = start()
  second.setNode(node())
  second.adopt(config())
  await pass(10)
  await pass(2_000)

  expect(second.drainStatus.phase).toBe('drained')
  second.undrain()
  await pass(10)
  expect(second.drainStatus.phase).toBe('serving')
  expect(config()).toBe(instance)
})

test('an operator’s own graceful-shutdown found at the start is no drain', async () => {
  const { start, pass, lines, config } = fixture(`${instance} bgp graceful-shutdown\n`)
  const controller = start()
  controller.setNode(node())
  controller.adopt(config())
  await pass(5_000)

  expect(controller.drainStatus.phase).toBe('serving')
  expect(lines).toEqual([])
})

test('a clock that is set changes nothing: neither shortens the wait nor makes it endless', async () => {
  const { start, pass, config } = fixture()
  const controller = start()
  controller.adopt(config())
  controller.drain()
  await pass(10)
  vi.setSystemTime(new Date('2040-01-01T00:00:00Z'))
  await pass(1_000)
  expect(controller.drainStatus.phase).toBe('draining')
  vi.setSystemTime(new Date('1990-01-01T00:00:00Z'))
  await pass(1_000)
  await pass(10)
  expect(controller.drainStatus.phase).toBe('drained')
})
