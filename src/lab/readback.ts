import { readFile } from 'node:fs/promises'
import { WeftError } from '../diagnostics/error.ts'
import { compareConfig } from '../frr/running-config.ts'
import { readRunningConfig } from '../frr/show-daemon.ts'
import type { LabReader } from './actual.ts'
import { type Daemon, type DeviceSetup, daemons, logPath } from './daemons.ts'

/** Throws unless every daemon of the device runs exactly what it was given. */
export async function checkLoadedConfig(lab: string, reader: LabReader, setup: DeviceSetup): Promise<void> {
  for (const daemon of daemons) {
    const given = setup.configs[daemon]
    if (given === undefined) continue
    const running = await readRunningConfig(reader.daemon(setup.device, daemon))
    const { missing, unexpected } = compareConfig(given, running)
    if (missing.length > 0) throw await lineLost(lab, setup.device, daemon, missing)
    if (unexpected.length > 0)
      throw new WeftError(
        'WEFT_LAB_CONFIG_EXTRA',
        `${daemon} of ${setup.device} runs what it was not given: ${unexpected[0]}`,
        { hint: 'this release of FRR sets a default that Weft does not know: please report it' },
      )
  }
}

async function lineLost(
  lab: string,
  device: string,
  daemon: Daemon,
  missing: readonly string[],
): Promise<WeftError> {
  const log = await readFile(logPath(lab, device, daemon), 'utf8').catch(() => '')
  const complaint = log
    .split('\n')
    .map((row) => /(?:No such command|Error processing|not enough arguments|Ambiguous).*$/i.exec(row)?.[0])
    .find((found) => found !== undefined)
  const more = missing.length === 1 ? '' : ` (and ${missing.length - 1} more)`
  const said = complaint === undefined ? '' : `; its log says: ${complaint}`
  return new WeftError(
    'WEFT_LAB_CONFIG_LOST',
    `${daemon} of ${device} did not take the line "${missing[0]}"${more}${said}`,
    {
      hint: 'the line is not of this FRR release: check "frr" in the intent and the overrides of this device',
    },
  )
}
