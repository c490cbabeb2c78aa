import { setTimeout as delay } from 'node:timers/promises'
import type { FaultSpec } from '../faults/model.ts'
import { touchedBy } from '../faults/targets.ts'
import { startTraffic } from '../probe/traffic.ts'
import type { LabState } from '../state.ts'
import { explainOutage } from '../timeline/phases.ts'
import { startTimeline } from '../timeline/recorder.ts'
import { type Field, type Footprint, NotApplicable } from './choose.ts'
import { nowMs } from './clock.ts'
import type { Drill } from './drill.ts'
import { readFootprint } from './footprint.ts'
import { detectionMs, type JudgedRepeat } from './judge.ts'
import { watchMachine } from './machine-noise.ts'
import { Performer, type Replan } from './perform.ts'
import { seededRandom } from './random.ts'
import { type ResolvedStep, resolveSteps } from './resolve.ts'
import type { FlowOutcome, RepeatResult, TrafficResult } from './result.ts'
import { chooseTraffic } from './traffic-ends.ts'
import type { Workload } from './workload.ts'

/*
 * One repeat of one drill: choose what the words mean, lay traffic over it, do the steps under traffic, and put
 * everything back. The lab must be as planned when it begins; whether it is again afterwards is the caller's to wait for.
 */

export interface DrillSetting {
  state: LabState
  workload: Workload | null
  seed: number
  allowanceMs: number
  signal?: AbortSignal
  /** For drills that change the plan; absent where the lab's intent is not known. */
  replan?: Replan
  /** Says what is done, for whoever watches. */
  onAction: (text: string) => void
}

/** What failed or was worked on. */
interface Marked {
  devices: string[]
  links: string[]
}

const nothing: Footprint = { devices: new Set(), links: new Set() }

/** Runs a drill once. */
export async function runOnce(drill: Drill, repeat: number, setting: DrillSetting): Promise<JudgedRepeat> {
  const { state, workload } = setting
  const { plan } = state
  const field: Field = {
    plan,
    footprint: nothing,
    announcers: workload?.announcers ?? [],
    random: seededRandom(setting.seed, drill.name, repeat),
  }
  if (plan.sites.length < drill.minimumSites)
    throw new NotApplicable(`it takes ${drill.minimumSites} sites, and there are ${plan.sites.length}`)
  const { specs, ways } = await chooseTraffic(drill, state, workload, field)
  field.footprint = await readFootprint(state, ways)
  const steps = resolveSteps(drill, field, workload?.prefix ?? null)
  const faults = steps.flatMap(({ action }) => (action.kind === 'fail' ? [action.fault] : []))
  const marked = markedBy(state, steps)
  const through = {
    devices: marked.devices.filter((name) => field.footprint.devices.has(name)),
    links: marked.links.filter((id) => field.footprint.links.has(id)),
  }
  const isCovered = through.devices.length + through.links.length > 0

  const performer = new Performer(state, workload, setting)
  const timeline = await startTimeline(state)
  try {
    const traffic = await startTraffic(
      state,
      specs.map((spec) => (isCovered ? { ...spec, spread: 'cover', through } : spec)),
    )
    // From here on every flow is under way and its path is known.
    const startedAt = nowMs()
    const readNoise = await watchMachine()
    try {
      const done = await perform(steps, drill.settleMs, performer, setting)
      const zeroAt = done[0]?.startedAt ?? startedAt
      const lastActionAt = done.at(-1)?.endedAt ?? zeroAt
      const noise = await readNoise()
      const results = await traffic.stop(zeroAt, lastActionAt)
      const measuredUntil = lastActionAt + drill.settleMs
      const events = await timeline.stop(zeroAt)
      const result: RepeatResult = {
        marked,
        measured: { fromMs: startedAt - zeroAt, toMs: measuredUntil - zeroAt },
        actions: done.map(({ startedAt: at, text, step }) => ({
          atMs: at - zeroAt,
          text,
          ...(step.action.kind === 'fail' ? { fault: step.action.fault } : {}),
        })),
        traffic: results,
        timeline: events,
        phases: explainWorst(results, events),
        ...(noise.waitShare === null ? {} : { cpuWaitShare: noise.waitShare }),
        voidedBecause: traffic.voidedBecause ?? whyDropped(results, noise.drops),
      }
      const links = faults.map((fault) => detectionMs(plan, fault, linksOf(state, touchedBy(plan, fault))))
      return {
        result,
        words: {
          detectionMs: Math.max(0, ...links),
          allowanceMs: setting.allowanceMs,
          injectionMs: injectionOf(done, zeroAt, results),
        },
        missedBecause: whyUnsound(results) ?? (drill.isUnaffected ? null : whyMissed(steps, marked, results)),
      }
    } finally {
      traffic.close()
    }
  } finally {
    await timeline.stop(nowMs()).catch(() => {})
    await performer.undo()
  }
}

/** From the first packet lost until the first fault was complete. */
function injectionOf(done: readonly Done[], zeroAt: number, traffic: readonly TrafficResult[]): number {
  const fault = done.find(({ step }) => step.action.kind === 'fail')
  if (fault === undefined) return 0
  const losses = traffic.flatMap(({ flows }) => flows.flatMap(({ gaps }) => gaps.map(({ fromMs }) => fromMs)))
  const first = Math.min(...losses.filter((fromMs) => fromMs >= fault.startedAt - zeroAt))
  const completeMs = fault.endedAt - zeroAt
  return first < completeMs ? completeMs - first : 0
}

interface Done {
  step: ResolvedStep
  startedAt: number
  endedAt: number
  text: string
}

async function perform(
  steps: readonly ResolvedStep[],
  settleMs: number,
  performer: Performer,
  { signal, onAction }: DrillSetting,
): Promise<Done[]> {
  const started = nowMs()
  const options = signal === undefined ? undefined : { signal }
  const done: Done[] = []
  for (const step of steps) {
    const dueAt = Math.max(started + step.atMs, (done.at(-1)?.endedAt ?? started) + step.afterMs)
    await delay(Math.max(0, dueAt - nowMs()), undefined, options)
    const startedAt = nowMs()
    const text = await performer.perform(step.action)
    done.push({ step, startedAt, endedAt: nowMs(), text })
    onAction(text)
  }
  await delay(settleMs, undefined, options)
  return done
}

/** Devices and links that the steps are about. */
function markedBy({ plan }: LabState, steps: readonly ResolvedStep[]): Marked {
  const devices = new Set<string>()
  const links = new Set<string>()
  for (const { action } of steps) {
    if (action.kind === 'fail') {
      const touched = touchedBy(plan, action.fault)
      for (const device of touched.devices) devices.add(device)
      for (const link of touched.links) links.add(link)
      // A pod is drawn as the node that it runs on.
      if (action.fault.kind === 'pod') devices.add(action.fault.pod.replace(/^(web|drill)-/, ''))
    } else if ('device' in action) devices.add(action.device)
    else if ('devices' in action) for (const device of action.devices) devices.add(device)
  }
  return { devices: [...devices], links: [...links] }
}

function linksOf({ plan }: LabState, { devices, links }: Marked): string[] {
  const own = plan.links.filter(({ a, b }) => devices.includes(a.device) || devices.includes(b.device))
  return [...links, ...own.map(({ id }) => id)]
}

function whyDropped(traffic: readonly TrafficResult[], drops: number): string | null {
  const hasLost = traffic.some(({ flows }) => flows.some(({ lost }) => lost > 0))
  if (drops === 0 || !hasLost) return null
  return `the kernel itself dropped ${drops} packets: its processors were too busy to pass them on`
}

/** Losses earlier than this before the first step are not its doing. */
const beforeMs = -20

/** Traffic that was interrupted before anything was done shows nothing about what was done. */
function whyUnsound(traffic: readonly TrafficResult[]): string | null {
  for (const { name, flows } of traffic) {
    const bad = flows.filter(({ gaps }) => gaps.some(({ fromMs }) => fromMs < beforeMs))
    if (bad.length > 0)
      return `${bad.length} of ${flows.length} flows of ${name} lost packets before the first step`
  }
  return null
}

/** Faults that traffic need not meet to be shown harmless. */
const aside: readonly FaultSpec['kind'][] = ['api', 'announcement']

/** A failure that no flow met shows nothing; neither does work on a device that nobody used. */
function whyMissed(
  steps: readonly ResolvedStep[],
  { devices, links }: Marked,
  traffic: readonly TrafficResult[],
): string | null {
  const isAside = steps.every(({ action }) =>
    action.kind === 'fail'
      ? aside.includes(action.fault.kind)
      : action.kind === 'heal' || action.kind === 'apply',
  )
  if (isAside || devices.length + links.length === 0) return null
  const flows = traffic.flatMap((group) => group.flows)
  if (flows.some((flow) => flow.lost > 0 || flow.reset > 0)) return null
  const followed = flows.filter(({ pathBefore }) => pathBefore.length > 0)
  const what = [...devices, ...links].slice(0, 3).join(', ')
  if (followed.length === 0)
    return `no flow is known to have crossed ${what}: their paths could not be followed`
  return followed.some((flow) => crosses(flow, devices, links)) ? null : `no flow crossed ${what}`
}

function crosses({ pathBefore }: FlowOutcome, devices: readonly string[], links: readonly string[]): boolean {
  if (pathBefore.some((device) => devices.includes(device))) return true
  return pathBefore.some((device, index) => {
    const next = pathBefore[index + 1]
    return (
      next !== undefined && (links.includes(`${device}--${next}`) || links.includes(`${next}--${device}`))
    )
  })
}

function explainWorst(
  traffic: readonly TrafficResult[],
  events: RepeatResult['timeline'],
): RepeatResult['phases'] {
  const gaps = traffic.flatMap((group) => group.flows.flatMap((flow) => flow.gaps))
  const [first, ...others] = gaps
  if (first === undefined) return null
  const longest = others.reduce((most, next) => (lengthOf(next) > lengthOf(most) ? next : most), first)
  return explainOutage(events, longest)
}

function lengthOf({ fromMs, toMs }: { fromMs: number; toMs: number }): number {
  return toMs - fromMs
}
