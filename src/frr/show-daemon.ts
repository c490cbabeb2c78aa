import { WeftError } from '../diagnostics/error.ts'
import type { VtyReader } from './daemon.ts'

export interface FrrVersion {
  /** As FRR prints it, such as 8.4.4 or 10.3. */
  text: string
  major: number
  minor: number
}

/** The release of a running daemon. */
export async function readVersion(daemon: VtyReader): Promise<FrrVersion> {
  const answer = await daemon.show('show version')
  const found = /^FRRouting (?<text>(?<major>\d+)\.(?<minor>\d+)[^\s]*)/m.exec(answer)?.groups
  if (found === undefined) {
    throw new WeftError(
      'WEFT_FRR_VERSION',
      `${daemon.daemon} does not say its release: ${answer.slice(0, 80)}`,
    )
  }
  return { text: found.text ?? '', major: Number(found.major), minor: Number(found.minor) }
}

/** The configuration a daemon really has, as text. */
export async function readRunningConfig(daemon: VtyReader): Promise<string> {
  const answer = await daemon.show('show running-config', { timeoutMs: 60_000 })
  return answer.replace(/^(Building configuration\.\.\.|Current configuration:)$/gm, '').trimStart()
}
