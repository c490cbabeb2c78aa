import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { WeftError } from '../diagnostics/error.ts'
import { inNamespace } from '../linux/namespace.ts'
import { type Argv, run } from '../linux/run.ts'
import type { Plan } from '../plan/model.ts'
import { forEachLimited } from './concurrency.ts'
import { clientHost, labEnvironmentKey, namespaceOf } from './names.ts'
import type { LabState } from './state.ts'
import { clientLinks } from './topology.ts'

/** Names of all hosts of a lab: its devices and, when there is something beyond the edge, the client. */
function hostsOf(plan: Plan): string[] {
  const names = plan.devices.map((device) => device.name)
  return clientLinks(plan).length > 0 ? [...names, clientHost] : names
}

/** Finds a host by its name, or says what there is instead. */
export function requireHost(state: LabState, name: string): string {
  const hosts = hostsOf(state.plan)
  if (hosts.includes(name)) return name
  const near = hosts.filter((host) => host.includes(name)).slice(0, 5)
  throw new WeftError('WEFT_LAB_DEVICE_UNKNOWN', `lab "${state.name}" has no device "${name}"`, {
    hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : `it has: ${hosts.slice(0, 8).join(', ')}, …`,
    exitCode: 2,
  })
}

/** Devices named one by one, by role (`leaf`), or all of them (`all`). */
export function selectDevices(state: LabState, words: readonly string[]): string[] {
  const { devices } = state.plan
  const chosen = words.flatMap((word) => {
    if (word === 'all') return devices.map((device) => device.name)
    const ofRole = devices.filter((device) => device.role === word).map((device) => device.name)
    return ofRole.length > 0 ? ofRole : [requireHost(state, word)]
  })
  return [...new Set(chosen)]
}

/** Runs a command in a host with the caller's own terminal, and returns its exit code. */
export async function runInside(state: LabState, host: string, argv: Argv): Promise<number> {
  const [command, ...args] = inNamespace(namespaceOf(state.name, requireHost(state, host)), argv)
  const child = spawn(command, args, {
    stdio: 'inherit',
    env: { ...process.env, [labEnvironmentKey]: state.name },
  })
  // The terminal sends Ctrl-C to the command as well: it decides what that means.
  const ignore = () => {}
  process.on('SIGINT', ignore)
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 1)))
    })
  } finally {
    process.off('SIGINT', ignore)
  }
}

export interface VtyshAnswer {
  /** Devices that gave exactly this answer. */
  devices: string[]
  text: string
  /** FRR did not accept a command. */
  isRefused: boolean
}

/** vtysh looks for a file that only changes its prompt, and complains without one. */
const missingVtyshConfig = /^% Can't open configuration file .*vtysh\.conf.*$/gm

/** Asks many devices the same through vtysh; equal answers are given once. */
export async function askVtysh(
  state: LabState,
  devices: readonly string[],
  commands: readonly string[],
): Promise<VtyshAnswer[]> {
  const texts = new Map<string, string>()
  const refusing = new Set<string>()
  await forEachLimited(devices, 4, async (device) => {
    const { stdout, stderr, exitCode } = await run(
      ['vtysh', '-N', namespaceOf(state.name, device), ...commands.flatMap((command) => ['-c', command])],
      { acceptFailure: true },
    )
    if (exitCode !== 0) refusing.add(device)
    texts.set(device, `${stdout}${stderr}`.replace(missingVtyshConfig, '').trim())
  })
  const byText = Map.groupBy(devices, (device) => texts.get(device) ?? '')
  return [...byText].map(([text, members]) => ({
    devices: members,
    text,
    isRefused: members.some((device) => refusing.has(device)),
  }))
}
