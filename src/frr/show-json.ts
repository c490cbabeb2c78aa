import { WeftError } from '../diagnostics/error.ts'
import type { VtyReader } from './daemon.ts'
import type { CommandOptions } from './vty-connection.ts'

/*
 * FRR's JSON is not under contract: keys come and go between releases, and a missing thing is now {}, now a warning,
 * now nothing. These readers take what is there and give a harmless empty value for what is not.
 */

export type Json = Record<string, unknown>

/** Runs a show command that answers in JSON. */
export async function showJson(
  reader: VtyReader,
  command: string,
  options: CommandOptions = {},
): Promise<unknown> {
  const text = await reader.show(command, options)
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch (cause) {
    // Without a BGP instance some releases answer `json` commands in prose.
    if (text.trimStart().startsWith('%')) return {}
    throw new WeftError(
      'WEFT_FRR_JSON',
      `${reader.daemon} answered "${command}" with something that is not JSON: ${text.slice(0, 80)}`,
      { cause, hint: 'this FRR release may not be supported: see "weft lab doctor"' },
    )
  }
}

export function asRecord(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

export function asNumber(value: unknown): number {
  const number = Number(value)
  return Number.isFinite(number) ? number : 0
}

export function asText(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}
