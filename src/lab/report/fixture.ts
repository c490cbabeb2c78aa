/** A made-up run over a small fabric, for tests of the report: one scenario of each verdict. */
import { sketchIntent } from '../../plan/fixture.ts'
import { emptyLock } from '../../plan/lock.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { topologyOf } from '../drills/environment.ts'
import type { DrillRun, FlowOutcome, RepeatResult, ScenarioResult, Topology } from '../drills/result.ts'
import type { TimelineEvent } from '../timeline/model.ts'

/** Two sites of two racks, joined by a DCI. */
export function sketchTopology(): Topology {
  const rack = (site: string, number: number) => ({
    name: `rack${number}`,
    nodes: [`${site}-n${number * 2 - 1}`, `${site}-n${number * 2}`],
  })
  const intent = sketchIntent([
    { name: 'dc1', block: 10, racks: [rack('dc1', 1), rack('dc1', 2)] },
    { name: 'dc2', block: 20, racks: [rack('dc2', 1)] },
  ])
  const plan = planFabric(intent, emptyLock).plan!
  return topologyOf(plan)
}

/** The run; its numbers are the same every time. */
export function sketchRun(): DrillRun {
  const topology = sketchTopology()
  const link = topology.links.find(({ b }) => b === 'dc1-n1')!
  return {
    version: 1,
    fabric: 'sketch <two sites>',
    startedAt: '2026-01-02T03:04:05.678Z',
    seed: 7,
    environment: {
      kernel: '6.1.0',
      frr: '8.4.4',
      weft: '0.1.0',
      cpus: 2,
      memoryMiB: 24_576,
      load: 0.42,
      devices: topology.devices.length,
      sessions: topology.links.length,
      bfd: [{ class: 'node', transmitMs: 100, multiplier: 3 }],
    },
    topology,
    verdict: 'violated',
    scenarios: [
      scenario(
        'silent-link',
        'A link between leaf and node falls silent',
        'silent link, leaf to node',
        'ok',
        [silentLink(link.id, 331), silentLink(link.id, 318), silentLink(link.id, 352)],
      ),
      scenario('dead-spine', 'A spine loses power', 'power, spine', 'violated', [
        silentLink(link.id, 1204),
        silentLink(link.id, 360),
      ]),
      scenario('busy', 'A border leaf falls silent', 'silent device, border leaf', 'undecided', [
        { ...silentLink(link.id, 420), voidedBecause: 'the sender stood still for 80 ms' },
      ]),
      {
        ...scenario('drain-node', 'A node is drained and returns', 'drain, node', 'ok', [
          silentLink(link.id, 0),
        ]),
        isPlanned: true,
      },
    ],
  }
}

function scenario(
  name: string,
  title: string,
  failureClass: string,
  verdict: ScenarioResult['verdict'],
  repeats: RepeatResult[],
): ScenarioResult {
  return {
    name,
    title,
    failureClass,
    isPlanned: false,
    repeats,
    verdict,
    expectations: [
      {
        text: 'worst outage ≤ 425 ms',
        source: 'scenario',
        path: 'expect[0]',
        verdict,
        found: 'repeat 1, flow 40003: measured',
      },
    ],
  }
}

function silentLink(link: string, outageMs: number): RepeatResult {
  const flows = Array.from({ length: 16 }, (_, index) => flow(index, index % 4 === 1 ? outageMs : 0))
  const share = (name: string, value: number, ideal: number) => ({ name, share: value, ideal })
  return {
    marked: outageMs > 0 ? { devices: ['dc1-n1'], links: [link] } : { devices: [], links: [] },
    actions: [
      { atMs: 0, text: `${link} falls silent, both ways` },
      { atMs: outageMs + 600, text: 'healed' },
    ],
    traffic: [
      {
        name: 'dc2-n1 to web',
        from: 'dc2-n1',
        to: '10.10.2.5',
        protocol: 'udp',
        flows,
        resolutionMs: 2,
        balance: {
          before: [share('dc1-n1', 0.44, 0.5), share('dc1-n3', 0.56, 0.5)],
          after: [share('dc1-n3', 1, 1)],
        },
        movedNeedlessly: outageMs > 1000 ? 2 : 0,
      },
    ],
    timeline: outageMs > 0 ? events(outageMs) : [],
    phases:
      outageMs > 0
        ? [
            { name: 'detection', fromMs: 1, toMs: outageMs - 82 },
            { name: 'propagation', fromMs: outageMs - 82, toMs: outageMs - 22 },
            { name: 'fib', fromMs: outageMs - 22, toMs: outageMs - 10 },
            { name: 'rest', fromMs: outageMs - 10, toMs: outageMs },
          ]
        : null,
    voidedBecause: null,
  }
}

function flow(index: number, outageMs: number): FlowOutcome {
  return {
    id: `40${String(index).padStart(3, '0')}`,
    sent: 600,
    lost: Math.round(outageMs / 2),
    reordered: 0,
    outageMs,
    gaps: outageMs > 0 ? [{ fromMs: 1, toMs: 1 + outageMs }] : [],
    pathBefore: outageMs > 0 ? ['dc1-spine1', 'dc1-rack1-leaf1', 'dc1-n1'] : [],
    pathAfter: outageMs > 0 ? ['dc1-spine1', 'dc1-rack2-leaf1', 'dc1-n3'] : [],
    reset: 0,
    stalled: 0,
  }
}

function events(outageMs: number): TimelineEvent[] {
  const event = (atMs: number, source: TimelineEvent['source'], subject: string, text: string) => ({
    atMs,
    device: 'dc1-rack1-leaf1',
    source,
    subject,
    text,
  })
  return [
    event(0, 'fault', 'dc1-rack1-leaf1--dc1-n1', 'silent, both ways'),
    event(outageMs - 82, 'bfd', 'n1', 'down'),
    event(outageMs - 81.6, 'bgp', 'n1', 'down'),
    event(outageMs - 10.2, 'fib', '10.10.1.1/32', '1 -> 2 next hops'),
    event(outageMs - 10.1, 'fib', '10.10.2.5/32', '1 -> 2 next hops'),
  ]
}
