/**
 * The single values of weft.yaml: prefixes, addresses, durations, names, AS numbers, timers.
 *
 * Each schema turns the text into the domain's own type, and says in `wording` how to describe itself to a person:
 * messages are made from that, never from the schema library's own text.
 */
import * as z from 'zod'
import { type Address, type Family, parseAddress } from '../net/address.ts'
import { type Prefix, type PrefixError, readPrefix } from '../net/prefix.ts'
import type { IntentCode } from './codes.ts'
import type { BfdProfile, BgpTimers, FrrRelease } from './model.ts'

export interface Wording {
  /** Completes "expected …". */
  expected: string
  /** Code of the diagnostic when text does not have the right form; WEFT_INTENT_FORMAT otherwise. */
  code?: IntentCode
  hint?: string
}

export const wording = z.registry<Wording>()

export interface ValueProblem {
  code: IntentCode
  message: string
  expected?: string
  hint?: string
}

/** Reports a problem from within a schema; `explain.ts` gives it its position. */
export function report(context: z.RefinementCtx, { message, ...params }: ValueProblem): void {
  context.addIssue({ code: 'custom', message, params })
}

export function count(min: number, max: number) {
  return z.int().min(min).max(max)
}

const namePattern = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/

/** A name that device names can be made of. */
export const name = z.string().regex(namePattern).max(48).register(wording, {
  code: 'WEFT_INTENT_NAME_INVALID',
  expected: 'lower-case letters, digits and hyphens, at most 48, not starting or ending with a hyphen',
})

export const hostname = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/)
  .max(63)
  .register(wording, {
    code: 'WEFT_INTENT_NAME_INVALID',
    expected: 'a host name: letters, digits, hyphens and dots, at most 63',
  })

export const interfaceName = z
  .string()
  .regex(/^(?!lo$|\.{1,2}$)[^\s/:]+$/)
  .max(15)
  .register(wording, {
    code: 'WEFT_INTENT_NAME_INVALID',
    expected: 'a Linux interface name: at most 15 characters without spaces, slashes and colons, and not lo',
  })

const prefixErrors: Record<PrefixError, (text: string) => string> = {
  'not-an-address': (text) => `"${text}" is not an address prefix`,
  'no-length': (text) => `"${text}" has no prefix length`,
  'bad-length': (text) => `"${text}" has a prefix length that does not exist`,
  'host-bits-set': (text) => `"${text}" has bits set behind its prefix length`,
}

export const prefix = z
  .string()
  .transform((text, context): Prefix => {
    const read = readPrefix(text)
    if (typeof read !== 'string') return read
    report(context, {
      code: 'WEFT_INTENT_PREFIX_INVALID',
      message: prefixErrors[read](text),
      expected: 'a prefix such as 10.10.19.0/24 or fd00:10:19::/64',
      hint:
        read === 'host-bits-set'
          ? 'write the first address of the prefix, or a longer length'
          : 'write network address, slash and length, without leading zeros',
    })
    return z.NEVER
  })
  .register(wording, { expected: 'a prefix such as 10.10.19.0/24' })

export function address(family: Family | null) {
  const kind = family === null ? 'an IP' : `an IPv${family}`
  return z
    .string()
    .transform((text, context): Address => {
      const read = parseAddress(text)
      if (read !== null && (family === null || read.family === family)) return read
      report(context, {
        code: 'WEFT_INTENT_ADDRESS_INVALID',
        message: `"${text}" is not ${kind} address`,
        expected: `${kind} address without prefix length`,
        hint: 'write all parts, without leading zeros, such as 10.10.19.10 or fd00::10',
      })
      return z.NEVER
    })
    .register(wording, { expected: `${kind} address` })
}

const durationPattern = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m)$/
const unitMilliseconds = { ms: 1, s: 1000, m: 60_000 }

function readMilliseconds(text: string): number | null {
  const [, amount, unit] = durationPattern.exec(text.trim()) ?? []
  if (amount === undefined) return null
  const milliseconds = Number(amount) * unitMilliseconds[unit as keyof typeof unitMilliseconds]
  return Number.isInteger(milliseconds) ? milliseconds : null
}

/** A time such as 100ms or 1s, in milliseconds. */
export const duration = z
  .string()
  .transform((text, context): number => {
    const milliseconds = readMilliseconds(text)
    if (milliseconds !== null) return milliseconds
    report(context, {
      code: 'WEFT_INTENT_FORMAT',
      message: `"${text}" is not a time`,
      expected: 'a time such as 100ms, 1.5s or 2m',
    })
    return z.NEVER
  })
  .register(wording, { expected: 'a time such as 100ms or 1s', hint: 'add the unit: ms, s or m' })

/** Whole seconds, with or without the unit. */
const seconds = z.union([
  count(0, 65535),
  z
    .string()
    .transform((text, context): number => {
      const milliseconds = readMilliseconds(text)
      if (milliseconds !== null && milliseconds % 1000 === 0 && milliseconds <= 65_535_000) {
        return milliseconds / 1000
      }
      report(context, {
        code: 'WEFT_INTENT_FORMAT',
        message: `"${text}" is not a whole number of seconds`,
        expected: '0 to 65535 seconds, such as 3 or 3s',
      })
      return z.NEVER
    })
    .register(wording, { expected: 'a time such as 3s' }),
])

const defaultTimers: BgpTimers = { keepaliveSeconds: 3, holdSeconds: 9 }

export const timers = z
  .strictObject({
    keepalive: seconds.optional().describe('Time between keepalives; a third of hold when left out.'),
    hold: seconds
      .optional()
      .describe('Silence after which the neighbour counts as gone; three times keepalive when left out.'),
  })
  .transform(({ keepalive, hold }, context): BgpTimers => {
    const keepaliveSeconds =
      keepalive ?? (hold === undefined ? defaultTimers.keepaliveSeconds : Math.floor(hold / 3))
    const holdSeconds = hold ?? keepaliveSeconds * 3
    const isOff = holdSeconds === 0 && keepaliveSeconds === 0
    if (!isOff && (holdSeconds < 3 || keepaliveSeconds < 1 || holdSeconds < 3 * keepaliveSeconds)) {
      report(context, {
        code: 'WEFT_INTENT_TIMERS',
        message: `keepalive ${keepaliveSeconds} s and hold ${holdSeconds} s do not go together`,
        expected: 'hold of at least 3 s and three times keepalive, or both 0 (RFC 4271 §4.2, §4.4)',
        hint: `with keepalive ${keepaliveSeconds}, write hold: ${Math.max(3, 3 * keepaliveSeconds)} or more`,
      })
    }
    return { keepaliveSeconds, holdSeconds }
  })

const bfdPattern = /^(\S+)\s*[x×]\s*(\d{1,3})$/

function checkedProfile(profile: BfdProfile, context: z.RefinementCtx): BfdProfile {
  const { transmitMilliseconds, receiveMilliseconds, multiplier } = profile
  const isInRange = (interval: number) => Number.isInteger(interval) && interval >= 10 && interval <= 60_000
  if (!isInRange(transmitMilliseconds) || !isInRange(receiveMilliseconds)) {
    const interval = isInRange(transmitMilliseconds) ? receiveMilliseconds : transmitMilliseconds
    report(context, {
      code: 'WEFT_INTENT_BFD',
      message: `a BFD interval of ${interval} ms is not possible`,
      expected: 'an interval from 10ms to 60s',
      hint: '100ms x 3 notices a failure in 0.3 s; below 50ms a busy host reports failures that are none',
    })
  }
  if (multiplier < 2 || multiplier > 255) {
    report(context, {
      code: 'WEFT_INTENT_BFD',
      message: `a BFD multiplier of ${multiplier} is not possible`,
      expected: 'a multiplier from 2 to 255',
      hint: 'write 3: one or two lost packets are then no failure',
    })
  }
  return profile
}

/** Interval times multiplier, `off`, or all three numbers; null is off. */
export const bfdProfile = z.union([
  z.literal(false).transform(() => null),
  z
    .string()
    .transform((text, context): BfdProfile | null => {
      if (text.trim() === 'off') return null
      const [, interval, multiplier] = bfdPattern.exec(text.trim()) ?? []
      const milliseconds = interval === undefined ? null : readMilliseconds(interval)
      if (milliseconds === null) {
        report(context, {
          code: 'WEFT_INTENT_BFD',
          message: `"${text}" is not a BFD profile`,
          expected: 'interval and multiplier such as 100ms x 3, or off',
        })
        return z.NEVER
      }
      const profile = { transmitMilliseconds: milliseconds, receiveMilliseconds: milliseconds }
      return checkedProfile({ ...profile, multiplier: Number(multiplier) }, context)
    })
    .register(wording, { expected: 'interval and multiplier such as 100ms x 3, or off' }),
  z
    .strictObject({
      transmit: duration.describe('Time between packets sent.'),
      receive: duration
        .optional()
        .describe('Shortest time between packets received; as transmit when left out.'),
      multiplier: z
        .int()
        .default(3)
        .describe('Packets that may be missed before the neighbour counts as gone.'),
    })
    .transform(({ transmit, receive, multiplier }, context): BfdProfile | null =>
      checkedProfile(
        { transmitMilliseconds: transmit, receiveMilliseconds: receive ?? transmit, multiplier },
        context,
      ),
    ),
])

const reservedAsns = new Map([
  [0, 'reserved (RFC 7607)'],
  [23456, 'AS_TRANS (RFC 6793)'],
  [65535, 'reserved (RFC 7300)'],
  [4294967295, 'reserved (RFC 7300)'],
])

export const asn = z
  .int()
  .superRefine((number, context) => {
    const reason =
      reservedAsns.get(number) ?? (number < 0 || number > 4294967295 ? 'out of range' : undefined)
    if (reason === undefined) return
    report(context, {
      code: 'WEFT_INTENT_ASN_INVALID',
      message: `AS number ${number} is ${reason}`,
      expected: 'an AS number from 1 to 4294967294 that is not reserved',
    })
  })
  .register(wording, { expected: 'an AS number, such as 64999' })

/** The first and last AS number handed out to devices. */
export const asnRange = z
  .string()
  .transform((text, context): { first: number; last: number } => {
    const [, from, to] = /^(\d{1,10})\s*-\s*(\d{1,10})$/.exec(text.trim()) ?? []
    const [first, last] = [Number(from), Number(to)]
    const expected = 'first and last AS number, such as 4200000000-4294967294'
    if (from === undefined || to === undefined) {
      report(context, {
        code: 'WEFT_INTENT_ASN_RANGE',
        message: `"${text}" is not a range of AS numbers`,
        expected,
      })
    } else if (first > last) {
      report(context, {
        code: 'WEFT_INTENT_ASN_RANGE',
        message: `the range ${text} is reversed`,
        expected,
        hint: `write ${to}-${from}`,
      })
    } else if (first < 1 || last > 4294967294) {
      report(context, {
        code: 'WEFT_INTENT_ASN_RANGE',
        message: `the range ${text} goes beyond the AS numbers that exist`,
        expected: 'numbers from 1 to 4294967294',
      })
    }
    return { first, last }
  })
  .register(wording, { expected: 'a range such as 4200000000-4294967294' })

/** Minor releases that exist below 10; from 10.0 on, every minor release is taken. */
const frrReleases = ['8.4', '8.5', '9.0', '9.1']

export const frrRelease = z
  .string()
  .transform((text, context): FrrRelease => {
    const [, major, minor] = /^(\d{1,2})\.(\d{1,2})(?:\.\d{1,2})?$/.exec(text.trim()) ?? []
    const release = { major: Number(major), minor: Number(minor) }
    if (release.major === 10 || frrReleases.includes(`${release.major}.${release.minor}`)) return release
    report(context, {
      code: 'WEFT_INTENT_FRR_UNSUPPORTED',
      message: `FRR release "${text}" is not supported`,
      expected: `one of ${frrReleases.join(', ')}, or 10.0 and later 10.x`,
      hint: 'bgpd --version tells which release your devices run',
    })
    return z.NEVER
  })
  .register(wording, {
    expected: 'an FRR release such as "8.4"',
    hint: 'write major and minor, in quotes: "8.4"',
  })
