/**
 * The shape of a drill's file: one description that gives the loader its checks and defaults and the reference page its
 * tables. Every key carries the text that both show.
 */
import * as z from 'zod'
import { count, duration, report, wording } from '../../intent/values.ts'
import { roles } from '../../plan/roles.ts'
import { device, fault, place } from './fault-schema.ts'
import { readCountLimit, readTimeLimit } from './limit.ts'

const nameText = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)
  .max(60)
  .register(wording, { expected: 'lower-case letters, digits and hyphens, at most 60' })

const actions = {
  fail: fault.optional(),
  heal: z.enum(['all', 'it']).optional().describe('Mends everything, or what failed last.'),
  drain: device.optional().describe('Takes a node or switch out of service: traffic moves away first.'),
  undrain: device.optional().describe('Brings it back.'),
  restart: z
    .strictObject({
      what: z
        .enum(['frr', 'agent'])
        .describe('frr: with graceful restart, forwarding goes on. agent: as an upgrade does.'),
      on: device.describe('Where.'),
    })
    .optional()
    .describe('Restarts as planned work does it, and waits until it is back.'),
  roll: z
    .strictObject({
      over: z
        .array(z.enum(roles))
        .min(1)
        .describe('Roles, one after the other; devices of a role one at a time.'),
      site: place.site.optional().describe('Only in this site.'),
      atMost: count(1, 1000).optional().describe('No more devices of a role than this.'),
    })
    .optional()
    .describe(
      'Upgrades a fabric: FRR of one device after the other is restarted, each as planned before the next.',
    ),
  apply: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      'Changes the intent as it stands here (a merge patch, RFC 7396) and applies it to the running lab.',
    ),
}
const actionNames = Object.keys(actions) as (keyof typeof actions)[]

const step = z
  .strictObject({
    at: duration
      .optional()
      .describe('When, counted from the first packet; not before the step above is done.'),
    after: duration.optional().describe('How long after the step above was done; 0 when neither is given.'),
    ...actions,
  })
  .superRefine((written, context) => {
    const found = actionNames.filter((name) => written[name] !== undefined)
    if (written.at !== undefined && written.after !== undefined)
      report(context, {
        code: 'WEFT_INTENT_FORMAT',
        message: 'the step has two times: at and after',
        expected: 'at or after',
        hint: 'at counts from the first packet, after from the end of the step above: keep one',
      })
    if (found.length === 1) return
    report(context, {
      code: 'WEFT_INTENT_FORMAT',
      message: found.length === 0 ? 'the step does nothing' : `the step does ${found.join(' and ')} at once`,
      expected: `one of ${actionNames.join(', ')}`,
      hint: 'write one entry of the list for each',
    })
  })

const endpointPattern = /^(service web|(pod on|loopback of) \S.*)$/

const traffic = z.strictObject({
  name: nameText.optional().describe('Name in results and for `of`; made from the ends when left out.'),
  from: device.describe(
    'Where it starts: users (the client beyond the edge, or where there is none, a spine or leaf), or a device.',
  ),
  to: z
    .string()
    .regex(endpointPattern)
    .register(wording, {
      expected: 'service web, pod on <node>, or loopback of <device>',
      hint: '<node> is a name, another node, near node, far node or announcing node',
    })
    .describe('Where it goes: service web, pod on <node>, or loopback of <device>.'),
  protocol: z
    .enum(['udp', 'tcp', 'http'])
    .default('udp')
    .describe(
      'udp: packets answered one by one. tcp: long connections. http: a connection for each request.',
    ),
  flows: count(1, 512)
    .default(16)
    .describe('How many, on ports of their own so that they spread over the paths.'),
  rate: z
    .string()
    .transform((text, context): number => {
      const [, amount] = /^(\d{1,6})\s*\/\s*s$/.exec(text.trim()) ?? []
      if (amount !== undefined && Number(amount) > 0 && Number(amount) <= 20_000) return Number(amount)
      report(context, {
        code: 'WEFT_INTENT_FORMAT',
        message: `"${text}" is not a rate`,
        expected: 'packets a second of all flows together, such as 1000/s, at most 20000/s',
      })
      return z.NEVER
    })
    .register(wording, { expected: 'packets a second such as 1000/s', hint: 'add the unit: /s' })
    .prefault('1600/s')
    .describe('Packets or requests a second, of all its flows together.'),
})

function limit(kind: 'time' | 'count') {
  const read = kind === 'time' ? readTimeLimit : readCountLimit
  const expected =
    kind === 'time'
      ? 'a sum of times and the words detection and allowance, such as <= detection + 125ms'
      : 'a count such as 0 or <= 10'
  return z
    .union([z.int().min(0), z.string()])
    .transform((value, context) => {
      const text = String(value)
      const found = read(text)
      if (found !== null) return { text, ...found }
      report(context, { code: 'WEFT_INTENT_FORMAT', message: `"${text}" is not a limit`, expected })
      return z.NEVER
    })
    .register(wording, { expected })
}

/** What is measured, in the words of a scenario. */
const metrics = {
  'worst outage': limit('time').optional().describe('Longest time without an answer, of any flow.'),
  lost: limit('count').optional().describe('Packets or requests without an answer, of all flows.'),
  'connections reset': limit('count')
    .optional()
    .describe('TCP and HTTP: connections that were reset or refused.'),
  'connections stalled': limit('count').optional().describe('TCP: connections that stood still and went on.'),
  'never recovered': limit('count').optional().describe('Flows that got no answer at the end.'),
  'moved needlessly': limit('count')
    .optional()
    .describe('Flows answered by another host after than before, although theirs was not touched.'),
}
export type Metric = keyof typeof metrics
export const metricNames = Object.keys(metrics) as Metric[]

const expectation = z
  .strictObject({
    ...metrics,
    of: nameText.optional().describe('Name of the traffic it is about; all of it when left out.'),
  })
  .superRefine((written, context) => {
    const found = metricNames.filter((name) => written[name] !== undefined)
    if (found.length === 1) return
    report(context, {
      code: 'WEFT_INTENT_FORMAT',
      message: found.length === 0 ? 'the expectation says nothing' : `it says ${found.join(' and ')} at once`,
      expected: `one of ${metricNames.join(', ')}`,
      hint: 'write one entry of the list for each',
    })
  })

const scenarioKeys = {
  name: nameText.describe('What it is called on the command line.'),
  title: z.string().min(1).max(120).describe('One sentence for people.'),
  class: z
    .string()
    .min(1)
    .max(80)
    .describe('Failure class: repeats and like drills are put together by it, and compared.'),
  planned: z.boolean().default(false).describe('Planned work: it must lose nothing.'),
  unaffected: z
    .boolean()
    .default(false)
    .describe('The traffic does not cross what fails, and must not notice; otherwise it must cross it.'),
  sites: count(1, 100).default(1).describe('Sites that a fabric must have at least for it to make sense.'),
  traffic: z.array(traffic).min(1).describe('What is measured.'),
  steps: z.array(step).min(1).describe('What happens, one after the other.'),
  settle: duration.default(1500).describe('How long traffic goes on after the last step.'),
  expect: z.array(expectation).min(1).describe('What must hold.'),
}

/** A file with one drill. */
export const drillFile = z.strictObject({
  drill: z.literal('v1').describe('Version of this format.'),
  ...scenarioKeys,
})

/** A file with many: those it holds and those it names. */
export const suiteFile = z.strictObject({
  suite: z.literal('v1').describe('Version of this format.'),
  name: nameText.describe('What it is called on the command line.'),
  title: z.string().min(1).max(120).describe('One sentence for people.'),
  intent: z.string().optional().describe('The intent it is meant for; the command line has precedence.'),
  include: z.array(nameText).default([]).describe('Built-in drills and suites that belong to it, by name.'),
  traffic: scenarioKeys.traffic.optional().describe('Traffic of every drill here that says nothing else.'),
  expect: scenarioKeys.expect.optional().describe('Expectations of every drill here that says nothing else.'),
  drills: z
    .array(
      z.strictObject({
        ...scenarioKeys,
        traffic: scenarioKeys.traffic.optional(),
        expect: scenarioKeys.expect.optional(),
      }),
    )
    .default([])
    .describe('Drills as in a file of their own, without `drill: v1`.'),
})

export type StepDraft = z.output<typeof step>
export type TrafficDraft = z.output<typeof traffic>
export type ExpectationDraft = z.output<typeof expectation>
export type DrillDraft = z.output<typeof drillFile>
export type SuiteDraft = z.output<typeof suiteFile>
