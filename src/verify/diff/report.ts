/** The answer to "what does this change do": sessions, routes, the risk on the way, and a safe order. */
import { diffPlans, isEmptyDiff, type PlanDiff } from '../../plan/diff.ts'
import type { Plan } from '../../plan/model.ts'
import { FailureAnalyst } from '../failures/analysis.ts'
import { type Failure, listFailures } from '../failures/failure.ts'
import { isUserTraffic, type LossGroup, type PairGroup } from '../failures/tally.ts'
import { compareRoutes, type RouteChanges } from './compare.ts'
import { orderRollout, type RolloutStep } from './rollout.ts'

export interface ChangeReport {
  /** `violated`: users lose what they had, in the end or, applied one device at a time, on the way. */
  verdict: 'ok' | 'violated'
  isEmpty: boolean
  diff: PlanDiff
  routes: RouteChanges
  risk: ChangeRisk
  steps: RolloutStep[]
}

/** What users lose while sessions reset. */
export interface ChangeRisk {
  resets: string[]
  /** When everything is applied at once. */
  atOnce: LossGroup[]
  /** When one device is applied after the other: the devices whose own turn cuts somebody off. */
  oneByOne: { device: string; lost: LossGroup[] }[]
}

/** Compares two plans. */
export function reportChange(before: Plan, after: Plan): ChangeReport {
  const diff = diffPlans(before, after)
  const [old, now] = [new FailureAnalyst(before), new FailureAnalyst(after)]
  const routes = compareRoutes(old, now)
  const risk = assessRisk(old, diff)
  const isWorse = routes.lost.some(isUserTraffic) || risk.oneByOne.length > 0
  return {
    verdict: isWorse ? 'violated' : 'ok',
    isEmpty: isEmptyDiff(diff),
    diff,
    routes,
    risk,
    steps: orderRollout(before, after, diff),
  }
}

function assessRisk(before: FailureAnalyst, diff: PlanDiff): ChangeRisk {
  const resets = diff.sessions.changed.filter(({ resets }) => resets).map(({ session }) => session)
  if (resets.length === 0) return { resets, atOnce: [], oneByOne: [] }
  const wanted = new Set(resets)
  const links = listFailures(before.network, ['link']).filter(({ name }) => wanted.has(name))
  const byDevice = new Map<number, Failure[]>()
  for (const link of links)
    for (const device of link.anchor) byDevice.set(device, [...(byDevice.get(device) ?? []), link])
  const classes = [links, ...byDevice.values()].map((failures) => ({ failures, members: 1 }))
  const [all, ...turns] = before.play(classes).results.map(({ tally }) => tally.lost.filter(isUserTraffic))
  const devices = [...byDevice.keys()].map((device) => before.network.devices[device]!)
  return {
    resets,
    atOnce: all!,
    // A node whose sessions all reset is away by itself: that is its own turn, and drained before.
    oneByOne: turns.flatMap((lost, index) => {
      const { name, role } = devices[index]!
      const others = lost.filter((group) => role !== 'node' || !isAbout(group, name, before))
      return others.length === 0 ? [] : [{ device: name, lost: others }]
    }),
  }
}

function isAbout({ example }: PairGroup, device: string, { network, universe }: FailureAnalyst): boolean {
  const owner = network.indexOf.get(device)!
  const prefixes = universe.ofDevice[owner]!.map((prefix) => universe.texts[prefix])
  return example.from === device || prefixes.includes(example.to)
}
