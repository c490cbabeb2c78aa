import type { ConfigChange } from '../../frr/config-transaction.ts'
import { diffPlans } from '../../plan/diff.ts'
import type { Plan } from '../../plan/model.ts'
import { type Daemon, type DeviceSetup, daemons } from '../daemons.ts'
import { setupDevices } from '../device-setup.ts'
import { type Cable, cablesOf } from '../topology.ts'
import { configChanges } from './config-changes.ts'

/** What has to be done to a lab so that it becomes another plan; everything that is not named stays untouched. */
export interface LabChange {
  added: DeviceSetup[]
  removed: string[]
  kept: DeviceChange[]
  cables: { added: Cable[]; removed: Cable[] }
  sessions: { added: string[]; removed: string[]; reset: string[]; kept: number }
}

export interface DeviceChange {
  setup: DeviceSetup
  lines: { daemon: Daemon; changes: ConfigChange[] }[]
  sysctls: Record<string, string>
  /** Ports that were not there before. */
  ports: string[]
  ipOperations: string[]
}

/** How devices of this lab are set up. */
export type SetupOptions = Parameters<typeof setupDevices>[1]

/** Text of a daemon's running configuration; asked for after an interruption only. */
export type RunningConfigs = (device: string, daemon: Daemon) => string | undefined

/**
 * The change from a lab that is `before` to `after`.
 *
 * @param before the lab's plan and, after an interruption, the plan that was being applied: each thing may be either
 */
export function planChange(
  before: readonly Plan[],
  after: Plan,
  options: SetupOptions,
  running: RunningConfigs = () => undefined,
): LabChange {
  const earlier = before.map(
    (plan) => new Map(setupDevices(plan, options).map((setup) => [setup.device, setup])),
  )
  const setups = setupDevices(after, options)
  const names = new Set(setups.map(({ device }) => device))
  const isSure = (device: string) => earlier.every((plan) => plan.has(device))
  const added = setups.filter(({ device }) => !isSure(device))
  const cables = cableChanges(before, after, new Set(added.map(({ device }) => device)))
  return {
    added,
    removed: [...new Set(earlier.flatMap((plan) => [...plan.keys()]))].filter((device) => !names.has(device)),
    kept: setups
      .filter(({ device }) => isSure(device))
      .map((setup) =>
        deviceChange(
          setup,
          earlier.map((plan) => plan.get(setup.device)!),
          cables.added,
          running,
        ),
      )
      .filter(isSomething),
    cables,
    sessions: sessionChanges(before[0]!, after),
  }
}

function deviceChange(
  setup: DeviceSetup,
  earlier: readonly DeviceSetup[],
  newCables: readonly Cable[],
  running: RunningConfigs,
): DeviceChange {
  const hadAll = (isThere: (old: DeviceSetup) => boolean) => earlier.every(isThere)
  return {
    setup,
    lines: daemons.flatMap((daemon) => {
      const after = setup.configs[daemon]
      if (after === undefined) return []
      const texts = earlier.map(({ configs }) => configs[daemon] ?? '')
      const changes = configChanges(texts, after, running(setup.device, daemon))
      return changes.length === 0 ? [] : [{ daemon, changes }]
    }),
    sysctls: Object.fromEntries(
      Object.entries(setup.sysctls).filter(
        ([key, value]) => !hadAll(({ sysctls }) => sysctls[key] === value),
      ),
    ),
    ports: newCables.flat().flatMap((end) => (end.device === setup.device ? [end.interface] : [])),
    ipOperations: setup.ipOperations.filter(
      (operation) => !hadAll(({ ipOperations }) => ipOperations.includes(operation)),
    ),
  }
}

function isSomething({ lines, sysctls, ports, ipOperations }: DeviceChange): boolean {
  return lines.length + Object.keys(sysctls).length + ports.length + ipOperations.length > 0
}

function cableChanges(
  before: readonly Plan[],
  after: Plan,
  remade: ReadonlySet<string>,
): LabChange['cables'] {
  const earlier = before.map((plan) => new Map(cablesOf(plan).map((cable) => [cableKey(cable), cable])))
  const wanted = cablesOf(after)
  const keys = new Set(wanted.map(cableKey))
  const isLost = (cable: Cable) => cable.some(({ device }) => remade.has(device))
  return {
    added: wanted.filter((cable) => isLost(cable) || !earlier.every((plan) => plan.has(cableKey(cable)))),
    removed: [...new Map(earlier.flatMap((plan) => [...plan])).values()].filter(
      (cable) => !keys.has(cableKey(cable)),
    ),
  }
}

/** How a cable is known: by its two ports. */
function cableKey([a, b]: Cable): string {
  return `${a.device} ${a.interface}--${b.device} ${b.interface}`
}

function sessionChanges(before: Plan, after: Plan): LabChange['sessions'] {
  const { added, removed, changed } = diffPlans(before, after).sessions
  const reset = changed.filter(({ resets }) => resets).map(({ session }) => session)
  return { added, removed, reset, kept: after.sessions.length - added.length - reset.length }
}
