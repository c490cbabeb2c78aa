/** The answer to "may this be drained": verdict, what moves, what is left, and the steps for several devices. */
import type { Plan } from '../../plan/model.ts'
import { FailureAnalyst } from '../failures/analysis.ts'
import {
  isUserTraffic,
  type LossGroup,
  type NarrowGroup,
  type PairGroup,
  type Tally,
} from '../failures/tally.ts'
import { type DrainEffect, orderDrains, playDrain } from './drain.ts'

export interface DrainReport {
  verdict: 'ok' | 'violated'
  minimumWidth: number
  /** What to drain together; each step is back in service before the next one. */
  steps: DrainStep[]
}

export interface DrainStep {
  devices: string[]
  verdict: 'ok' | 'violated'
  /** Pairs of router and prefix that change their next hops. */
  moves: number
  /** No packet needs the devices by the time they go. */
  isHitless: boolean
  /** Who keeps using the devices until they withdraw or go, because everything else lies above. */
  stays: PairGroup[]
  brokenMeanwhile: PairGroup[]
  /** With the devices gone. */
  lost: LossGroup[]
  narrowed: NarrowGroup[]
  /** Users' traffic that is left with one path. */
  alone: NarrowGroup[]
  /** Prefixes that go with their owner. */
  gone: number
  services: { prefix: string; announcersBefore: number; announcersAfter: number }[]
}

/** Judges the drain of the devices named, all of which the plan must have. */
export function reportDrain(plan: Plan, names: readonly string[], minimumWidth: number): DrainReport {
  const analyst = new FailureAnalyst(plan)
  const devices = names.map((name) => analyst.network.indexOf.get(name)!)
  const steps = orderDrains(analyst, devices, (tally) => isEnough(tally, minimumWidth)).map((step) =>
    reportStep(
      playDrain(analyst, step),
      minimumWidth,
      step.every((device) => plan.devices[device]!.role === 'node'),
    ),
  )
  const verdict = steps.some((step) => step.verdict === 'violated') ? 'violated' : 'ok'
  return { verdict, minimumWidth, steps }
}

function isEnough({ lost, narrowed }: Tally, minimumWidth: number): boolean {
  return (
    !lost.some(isUserTraffic) && !narrowed.some((group) => isUserTraffic(group) && group.after < minimumWidth)
  )
}

function reportStep(effect: DrainEffect, minimumWidth: number, isNode: boolean): DrainStep {
  const { devices, moves, stays, brokenMeanwhile, gone } = effect
  const users = gone.narrowed.filter(isUserTraffic)
  // A node withdraws while it still answers, so who stayed with it moves then; a switch is simply gone.
  const isHitless = brokenMeanwhile.length === 0 && (stays.length === 0 || isNode)
  return {
    devices,
    verdict: isEnough(gone, minimumWidth) && isHitless ? 'ok' : 'violated',
    moves,
    isHitless,
    stays,
    brokenMeanwhile,
    lost: gone.lost.filter(isUserTraffic),
    narrowed: gone.narrowed,
    alone: users.filter(({ after }) => after === 1),
    gone: gone.gone,
    services: gone.services.map(({ prefix, announcersBefore, announcersAfter }) => ({
      prefix,
      announcersBefore,
      announcersAfter,
    })),
  }
}
