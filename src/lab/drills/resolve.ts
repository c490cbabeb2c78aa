/**
 * Turns a drill's steps into what is done to one lab: every role, condition and `it` replaced by a name.
 *
 * All steps are resolved before the first packet is sent, so that traffic can be laid over what will fail.
 */
import type { FaultSpec } from '../faults/model.ts'
import { chooseDevice, chooseLink, choosePlace, type Field, type It, NotApplicable } from './choose.ts'
import type { Drill } from './drill.ts'
import type { FaultStep } from './fault-schema.ts'
import type { StepDraft } from './scenario-schema.ts'

export type Action =
  | { kind: 'fail'; fault: FaultSpec }
  | { kind: 'heal'; what: 'all' | 'it' }
  | { kind: 'drain' | 'undrain'; device: string }
  | { kind: 'restart'; what: 'frr' | 'agent'; device: string }
  | { kind: 'roll'; devices: string[] }
  | { kind: 'apply'; patch: Record<string, unknown> }

export interface ResolvedStep {
  /** Not before this long after the first packet. */
  atMs: number
  /** And this long after the step above was done. */
  afterMs: number
  action: Action
}

/** What to do, one step after the other. */
export function resolveSteps(drill: Drill, field: Field, webPrefix: string | null): ResolvedStep[] {
  let it: It = null
  return drill.steps.map((step) => {
    const resolved = resolveStep(step, field, it, webPrefix)
    it = resolved.it
    return { atMs: step.at ?? 0, afterMs: step.after ?? 0, action: resolved.action }
  })
}

interface Resolved {
  action: Action
  it: It
}

function resolveStep(step: StepDraft, field: Field, it: It, webPrefix: string | null): Resolved {
  if (step.fail !== undefined) {
    const resolved = resolveFault(step.fail, field, it, webPrefix)
    return { action: { kind: 'fail', fault: resolved.fault }, it: resolved.it }
  }
  if (step.heal !== undefined) return { action: { kind: 'heal', what: step.heal }, it }
  if (step.drain !== undefined) {
    const device = chooseDevice(step.drain, field, it)
    return { action: { kind: 'drain', device }, it: { kind: 'device', name: device } }
  }
  if (step.undrain !== undefined)
    return { action: { kind: 'undrain', device: chooseDevice(step.undrain, field, it) }, it }
  if (step.restart !== undefined) {
    const { what, on } = step.restart
    const device = chooseDevice(on, field, it)
    return { action: { kind: 'restart', what, device }, it: { kind: 'device', name: device } }
  }
  if (step.roll !== undefined) return { action: { kind: 'roll', devices: rolled(step.roll, field) }, it }
  return { action: { kind: 'apply', patch: step.apply ?? {} }, it }
}

function rolled({ over, site, atMost }: NonNullable<StepDraft['roll']>, field: Field): string[] {
  const where = site === undefined ? null : choosePlace('site', site, field)
  const devices = over.flatMap((role) =>
    field.plan.devices
      .filter((device) => device.role === role && (where === null || device.site === where))
      .slice(0, atMost)
      .map(({ name }) => name),
  )
  if (devices.length === 0) throw new NotApplicable(`there is no ${over.join(' or ')} in this fabric`)
  return devices
}

function resolveFault(
  step: FaultStep,
  field: Field,
  it: It,
  webPrefix: string | null,
): { fault: FaultSpec; it: It } {
  if ('link' in step) {
    const link = chooseLink(step.link, field, it)
    return { fault: linkFault(step, link.id, field), it: { kind: 'link', name: link.id } }
  }
  if ('daemon' in step) {
    const device = chooseDevice(step.on, field, it)
    return {
      fault: { kind: 'daemon', device, daemon: step.daemon, how: step.how },
      it: { kind: 'device', name: device },
    }
  }
  if ('device' in step) {
    const device = chooseDevice(step.device, field, it)
    return { fault: { kind: 'device', device, how: step.how }, it: { kind: 'device', name: device } }
  }
  if ('rack' in step) {
    const rack = choosePlace('rack', step.rack, field)
    return { fault: { kind: 'rack', rack, how: step.how }, it: { kind: 'rack', name: rack } }
  }
  if ('tier' in step) {
    const site = choosePlace('site', step.site, field)
    if (!field.plan.devices.some((device) => device.site === site && device.role === step.tier))
      throw new NotApplicable(`there is no ${step.tier} in ${site}`)
    return {
      fault: { kind: 'tier', site, role: step.tier, how: step.how },
      it: { kind: 'site', name: site },
    }
  }
  if ('boundary' in step) {
    const site = choosePlace('site', step.site, field)
    if (!hasBoundary(field, site, step.boundary))
      throw new NotApplicable(
        `${site} has no link that leaves it${step.boundary === 'all' ? '' : ` (${step.boundary})`}`,
      )
    return {
      fault: { kind: 'site', site, boundary: step.boundary, how: step.how },
      it: { kind: 'site', name: site },
    }
  }
  if ('pod' in step) {
    const on = step.pod === 'of web' ? ({ announcing: 'web' } as const) : step.pod.on
    const node = chooseDevice(on, field, it)
    return {
      fault: {
        kind: 'pod',
        cluster: clusterOf(field, node),
        namespace: 'default',
        pod: `web-${node}`,
        how: step.how,
      },
      it: { kind: 'device', name: node },
    }
  }
  if ('api' in step) {
    const site = choosePlace('site', step.api, field)
    const cluster = field.plan.clusters.find((candidate) => candidate.site === site)
    if (cluster === undefined) throw new NotApplicable(`${site} has no cluster`)
    return {
      fault: {
        kind: 'api',
        cluster: cluster.name,
        how: step.how,
        ...(step.how === 'slow' ? { delayMilliseconds: step.delay } : {}),
      },
      it: { kind: 'site', name: site },
    }
  }
  const device = chooseDevice(step.rogue, field, it)
  return {
    fault: { kind: 'announcement', device, prefix: roguePrefix(step.prefix, device, field, webPrefix) },
    it: { kind: 'device', name: device },
  }
}

function linkFault(step: Extract<FaultStep, { link: unknown }>, link: string, field: Field): FaultSpec {
  const from = senderOf(step.towards, link, field)
  switch (step.how) {
    case 'carrier':
      return { kind: 'carrier', link }
    case 'silent':
      return { kind: 'silent', link }
    case 'one way':
      return { kind: 'silent', link, ...from }
    case 'bfd only':
      return { kind: 'silent', link, traffic: 'bfd' }
    case 'bgp only':
      return { kind: 'silent', link, traffic: 'bgp' }
    case 'flapping':
      return {
        kind: 'flap',
        link,
        downMilliseconds: step.down,
        upMilliseconds: step.up,
        count: step.times,
      }
    case 'mtu black hole':
      return { kind: 'mtu', link, bytes: step.bytes }
    case 'rate limit':
      return { kind: 'rate', link, kilobitsPerSecond: step.kilobits, ...from }
  }
}

/** The end whose packets are lost: the one that is not of the role that stops hearing. */
function senderOf(towards: string | undefined, linkId: string, { plan }: Field): { from?: string } {
  if (towards === undefined) return {}
  const link = plan.links.find(({ id }) => id === linkId)
  const roleOf = (name: string) => plan.devices.find((device) => device.name === name)?.role
  const from = [link?.a.device, link?.b.device].find((name) => name !== undefined && roleOf(name) !== towards)
  return from === undefined ? {} : { from }
}

function hasBoundary({ plan }: Field, site: string, boundary: 'all' | 'dci' | 'edge'): boolean {
  const siteOf = new Map(plan.devices.map((device) => [device.name, device.site]))
  return plan.links.some(({ a, b }) => {
    const ends = [siteOf.get(a.device), siteOf.get(b.device)]
    if (!ends.includes(site) || ends[0] === ends[1]) return false
    return boundary === 'all' || (boundary === 'edge') === ends.includes(null)
  })
}

function clusterOf({ plan }: Field, node: string): string {
  const cluster = plan.clusters.find(({ nodes }) => nodes.includes(node))
  if (cluster === undefined) throw new NotApplicable(`${node} is in no cluster`)
  return cluster.name
}

function roguePrefix(words: string, rogue: string, { plan }: Field, webPrefix: string | null): string {
  if (words === 'service web') {
    if (webPrefix === null) throw new NotApplicable('the Service web does not run in this fabric')
    return webPrefix
  }
  if (words !== 'pods of another node') return words
  const other = plan.devices.find(({ role, name }) => role === 'node' && name !== rogue)
  const prefix = other?.podCidrs[0]
  if (prefix === undefined) throw new NotApplicable('there is no other node in this fabric')
  return prefix
}
