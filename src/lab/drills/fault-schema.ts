/** Which devices and links a drill's file may name, and what may break: the part of the format that faults are written in. */
import * as z from 'zod'
import { count, duration, wording } from '../../intent/values.ts'
import { roles } from '../../plan/roles.ts'

const conditions = {
  role: z.enum(roles).optional().describe('Role of the device.'),
  site: z.string().min(1).optional().describe('Site of the device.'),
  rack: z.string().min(1).optional().describe('Rack of the device, by its name within the site.'),
  carrying: z.literal('traffic').optional().describe('Only what a flow of this drill passes through.'),
  announcing: z
    .enum(['web', 'nothing'])
    .optional()
    .describe('web: only nodes that run a pod of the Service web. nothing: only devices that do not.'),
}

/** One device: `it`, a role, a name, or conditions that must all hold. */
export const device = z
  .union([
    z.string().min(1).register(wording, { expected: 'the name of a device, a role such as leaf, or it' }),
    z.strictObject(conditions),
  ])
  .describe('A device: its name, a role such as leaf, it for the one chosen last, or a map of conditions.')

const linkConditions = z.strictObject({
  between: device.describe('One end of the link.'),
  and: device.describe('Its other end.'),
  carrying: z.literal('traffic').optional().describe('Only links that a flow of this drill passes over.'),
})

const link = z
  .union([
    z.string().min(1).register(wording, { expected: 'a link as <device>--<device>, or it' }),
    linkConditions,
  ])
  .describe('A link: <device>--<device>, it, or a map of between, and, carrying.')

export const place = {
  rack: z
    .union([
      z.string().min(1).register(wording, { expected: 'the name of a rack' }),
      z.strictObject({
        carrying: conditions.carrying,
        announcing: conditions.announcing,
        site: conditions.site,
      }),
    ])
    .describe('A rack: its name, or a map of conditions on its devices.'),
  site: z
    .union([
      z.string().min(1).register(wording, { expected: 'the name of a site' }),
      z.strictObject({ carrying: conditions.carrying, announcing: conditions.announcing }),
    ])
    .describe('A site: its name, or a map of conditions on its devices.'),
}

const death = z.enum(['power', 'silent', 'carrier'])

const linkFault = z.strictObject({
  link: link.describe('The link that fails.'),
  how: z
    .enum([
      'carrier',
      'silent',
      'one way',
      'bfd only',
      'bgp only',
      'flapping',
      'mtu black hole',
      'rate limit',
    ])
    .describe(
      'carrier: both ends see it. silent: packets are lost, carrier stays. one way: only towards `towards`. bfd only, ' +
        'bgp only: that protocol is lost and nothing else. flapping: carrier goes and comes. mtu black hole: packets ' +
        'above `bytes` vanish. rate limit: no more than `kilobits` a second pass.',
    ),
  towards: z.enum(roles).optional().describe('one way, rate limit: role of the end that no longer hears.'),
  down: duration.default(300).describe('flapping: how long each time.'),
  up: duration.default(700).describe('flapping: pause between two times.'),
  times: count(1, 100).default(3).describe('flapping: how often.'),
  bytes: count(68, 9000).default(1000).describe('mtu black hole: largest packet that passes.'),
  kilobits: count(1, 100_000_000).default(1000).describe('rate limit: kilobits a second that pass.'),
})

const deviceFault = z.strictObject({
  device: device.describe('The device that dies.'),
  how: death
    .default('power')
    .describe('power: links silent and every process dead. silent, carrier: its links only.'),
})

const daemonFault = z.strictObject({
  daemon: z.enum(['bgpd', 'zebra', 'bfdd', 'frr', 'agent']).describe('The process; frr is all three.'),
  on: device.describe('Where it runs.'),
  how: z
    .enum(['kill', 'stop', 'terminate', 'restart'])
    .default('kill')
    .describe(
      'kill: SIGKILL. stop: SIGSTOP. terminate: SIGTERM. restart: SIGKILL and started again at once.',
    ),
})

const rackFault = z.strictObject({
  rack: place.rack,
  how: death.default('power').describe('As for a device, for both leaves and all nodes.'),
})

const tierFault = z.strictObject({
  tier: z.enum(roles).describe('Role whose devices all fail.'),
  site: place.site.describe('In which site.'),
  how: death.default('silent').describe('As for a device.'),
})

const siteFault = z.strictObject({
  site: place.site.describe('The site that is cut off.'),
  boundary: z
    .enum(['all', 'dci', 'edge'])
    .default('all')
    .describe('Which of its links: towards other sites, towards peers, or both.'),
  how: z.enum(['silent', 'carrier']).default('silent').describe('As for a link.'),
})

const podFault = z.strictObject({
  pod: z
    .union([
      z.literal('of web').register(wording, { expected: 'of web' }),
      z.strictObject({ on: device.describe('Node that it runs on.') }),
    ])
    .describe('The pod: any one of the Service web, or the one of it on a node.'),
  how: z.enum(['unready', 'delete']).describe('unready: its readiness probe fails. delete: it is removed.'),
})

const apiFault = z.strictObject({
  api: place.site.describe('Site whose cluster loses its API server.'),
  how: z
    .enum(['unreachable', 'slow', 'erroring'])
    .describe('Not reachable, every answer late, or every answer a 5xx.'),
  delay: duration.default(5000).describe('slow: how late.'),
})

const rogueFault = z.strictObject({
  rogue: device.describe('Device that announces what it may not.'),
  prefix: z
    .string()
    .min(1)
    .register(wording, { expected: 'a prefix, service web, or pods of another node' })
    .describe('What it announces: a prefix, service web, or pods of another node.'),
})

/** Faults by the key that says what fails; a tier has a site as well, so the order counts. */
export const faultKinds = {
  link: linkFault,
  device: deviceFault,
  daemon: daemonFault,
  rack: rackFault,
  tier: tierFault,
  site: siteFault,
  pod: podFault,
  api: apiFault,
  rogue: rogueFault,
}

export const fault = z
  .union([
    linkFault,
    deviceFault,
    daemonFault,
    rackFault,
    tierFault,
    siteFault,
    podFault,
    apiFault,
    rogueFault,
  ])
  .describe('What breaks: a map that begins with link, device, daemon, rack, tier, site, pod, api or rogue.')

export type DeviceSelector = z.output<typeof device>
export type LinkSelector = z.output<typeof link>
export type PlaceSelector = z.output<typeof place.site> | z.output<typeof place.rack>
export type FaultStep = z.output<typeof fault>
