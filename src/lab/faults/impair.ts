import { WeftError } from '../../diagnostics/error.ts'
import { findNearest } from '../../intent/nearest.ts'
import { requireState } from '../state.ts'
import { healFault, injectFault, listFaults } from './faults.ts'
import { readPercent, readRate } from './grammar.ts'
import type { ActiveFault, LinkFault } from './model.ts'
import { requireLink } from './targets.ts'

/** How a link is impaired; what is absent stays as it is, and null takes it away. */
export interface Impairment {
  lossPercent?: number | null
  kilobitsPerSecond?: number | null
}

type ActiveImpairment = ActiveFault & { spec: LinkFault & { kind: 'loss' | 'rate' } }

/** Reads words such as `loss=1%` and `rate=10mbit`. */
export function parseImpairment(words: readonly string[]): Impairment {
  const impairment: Impairment = {}
  for (const word of words) {
    const [name = '', value = ''] = word.split('=', 2)
    if (name === 'loss')
      impairment.lossPercent = /^0%?$/.test(value) ? null : read(word, readPercent(value), 'loss=1%')
    else if (name === 'rate')
      impairment.kilobitsPerSecond = value === 'none' ? null : read(word, readRate(value), 'rate=10mbit')
    else if (/^(delay|jitter|latency)$/.test(name))
      throw new WeftError('WEFT_LAB_NO_DELAY', 'links of a lab cannot be delayed', {
        hint: 'the kernel’s netem would be needed, which labs do without; what there is: loss=1% rate=10mbit',
        exitCode: 3,
      })
    else {
      const nearest = findNearest(name, ['loss', 'rate'])
      throw refuse(
        `"${word}" is no impairment`,
        nearest === null ? 'what there is: loss=1% rate=10mbit' : `did you mean ${nearest}=…?`,
      )
    }
  }
  if (words.length === 0)
    throw refuse('nothing was said about how', 'for example: loss=1% rate=10mbit, or clear')
  return impairment
}

/** Impairs a link, both ways or what one device sends; returns what is in force on it for that direction. */
export async function impairLink(
  lab: string,
  link: string,
  impairment: Impairment,
  from?: string,
): Promise<ActiveFault[]> {
  const { lossPercent, kilobitsPerSecond } = impairment
  const direction = from === undefined ? {} : { from }
  if (lossPercent !== undefined)
    await replace(lab, { kind: 'loss', link, ...direction, percent: lossPercent ?? 0 })
  if (kilobitsPerSecond !== undefined)
    await replace(lab, { kind: 'rate', link, ...direction, kilobitsPerSecond: kilobitsPerSecond ?? 0 })
  return await impairmentsOf(lab, link)
}

/** Takes every loss and rate off a link, and returns what there was. */
export async function clearImpairments(lab: string, link: string): Promise<ActiveFault[]> {
  const found = await impairmentsOf(lab, link)
  for (const { id } of found) await healFault(lab, id)
  return found
}

/** The new value is in force before the old one goes; zero is none. */
async function replace(lab: string, spec: ActiveImpairment['spec']): Promise<void> {
  const amount = spec.kind === 'loss' ? spec.percent : spec.kilobitsPerSecond
  const before = (await impairmentsOf(lab, spec.link)).filter(
    (fault) => fault.spec.kind === spec.kind && fault.spec.from === spec.from,
  )
  if (amount > 0) await injectFault(lab, spec)
  for (const { id } of before) await healFault(lab, id)
}

async function impairmentsOf(lab: string, link: string): Promise<ActiveImpairment[]> {
  const { plan } = await requireState(lab)
  const { id } = requireLink(plan, link)
  return (await listFaults(lab)).filter(isImpairment).filter(({ spec }) => spec.link === id)
}

function isImpairment(fault: ActiveFault): fault is ActiveImpairment {
  return fault.spec.kind === 'loss' || fault.spec.kind === 'rate'
}

function read(word: string, value: number | null, example: string): number {
  if (value === null) throw refuse(`"${word}" cannot be read`, `write it like ${example}`)
  return value
}

function refuse(message: string, hint: string): WeftError {
  return new WeftError('WEFT_LAB_FAULT_WORDS', message, { hint, exitCode: 2 })
}
