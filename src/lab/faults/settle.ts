import { applyIpBatch } from '../../linux/ip-batch.ts'
import { inNamespace } from '../../linux/namespace.ts'
import { run } from '../../linux/run.ts'
import { forEachLimited } from '../concurrency.ts'
import { namespaceOf } from '../names.ts'
import type { LabState } from '../state.ts'
import { settleAnnouncements } from './announcements.ts'
import { settleApi } from './api-fault.ts'
import { portScript } from './device-script.ts'
import { type DeviceEffects, type Effects, effectsOf } from './effects.ts'
import { endFlapper } from './flapper-process.ts'
import type { ActiveFault, FaultSpec } from './model.ts'
import { deletePod, requirePod, settlePods } from './pods.ts'
import { requireProcess, runsDaemon, settleProcesses } from './processes.ts'

/*
 * Makes the machine agree with the faults in force, wherever the changed ones touch it.
 *
 * Ports first, then processes: a device that loses power is silent before it dies.
 */

const width = 8

/** Refuses what the plan knows and the lab does not run. */
export async function checkFault(state: LabState, spec: FaultSpec): Promise<void> {
  if (spec.kind === 'daemon') {
    const names = spec.daemon === 'frr' ? ['zebra', 'bgpd'] : [spec.daemon]
    for (const name of names) requireProcess(state, spec.device, name)
  }
  if (spec.kind === 'api')
    requireProcess(
      state,
      effectsOf(state.plan, [{ id: '', spec, since: '' }], 'ever').apis.get(spec.cluster)!.device,
      'api',
    )
  if (spec.kind === 'pod') await requirePod(state, spec)
}

/** Applies `faults` and nothing else wherever `changed` ones, which came or are to go, touch the machine. */
export async function settle(
  state: LabState,
  faults: readonly ActiveFault[],
  changed: readonly ActiveFault[],
): Promise<void> {
  const { plan } = state
  const touched = effectsOf(plan, changed, 'ever')
  const wanted = effectsOf(plan, faults, Date.now())
  await settlePorts(state.name, touched, wanted)
  await forEachLimited([...touched.devices], width, async ([device, effects]) => {
    if (!effects.isOff && effects.processes.size === 0) return
    const hasPowerAgain = effects.isOff && !wanted.devices.get(device)?.isOff
    if (hasPowerAgain && !runsDaemon(state, device, 'zebra')) await switchPorts(state, device, 'down', wanted)
    await settleProcesses(state, device, effects, wanted.devices.get(device))
    if (hasPowerAgain) await switchPorts(state, device, 'up', wanted)
  })
  for (const [device, effects] of touched.devices)
    if ((effects.announcements.size > 0 || touchesBgpd(effects)) && isAnswering(state, device, wanted))
      await settleAnnouncements(
        state.name,
        plan,
        device,
        wanted.devices.get(device)?.announcements ?? new Set(),
      )
  for (const [cluster, { device }] of [...touched.apis, ...apisOn(touched, wanted)])
    await settleApi(state, cluster, device, wanted)
  await settlePods(state, touched.unreadyPods, wanted.unreadyPods)
  for (const fault of changed) {
    const isInForce = faults.includes(fault)
    if (fault.spec.kind === 'flap' && !isInForce) await endFlapper(state.name, fault.id)
    if (fault.spec.kind === 'pod' && fault.spec.how === 'delete' && isInForce)
      await deletePod(state, fault.spec)
  }
}

/**
 * A device that gets its power back brings its links up last, as in life and in `up`: neighbours then send their router
 * advertisements at once, and not with the next interval of seconds.
 */
async function switchPorts(
  state: LabState,
  device: string,
  to: 'up' | 'down',
  wanted: Effects,
): Promise<void> {
  const ports = state.plan.devices.find(({ name }) => name === device)!.interfaces.map(({ name }) => name)
  const operations = ports
    .filter((port) => !wanted.devices.get(device)?.downPorts.has(port))
    .map((port) => `link set ${port} ${to}`)
  await applyIpBatch(operations, { namespace: namespaceOf(state.name, device) })
}

/** Applies what is wanted to all ports that are touched. */
export async function settlePorts(lab: string, touched: Effects, wanted: Effects): Promise<void> {
  await forEachLimited([...touched.devices], width, async ([device, effects]) => {
    const script = portScript(effects, wanted.devices.get(device))
    if (script !== '') await run(inNamespace(namespaceOf(lab, device), ['sh', '-c', script]))
  })
}

function touchesBgpd({ isOff, processes }: DeviceEffects): boolean {
  return isOff || processes.has('bgpd') || processes.has('zebra')
}

/** Whether bgpd can be told anything: what it is not told now, it is told when it answers again. */
function isAnswering(state: LabState, device: string, wanted: Effects): boolean {
  const effects = wanted.devices.get(device)
  return !effects?.isOff && !effects?.processes.has('bgpd') && runsDaemon(state, device, 'bgpd')
}

/** Broken APIs whose node lost its power or got it back: what breaks them runs there as well. */
function apisOn(touched: Effects, wanted: Effects): [string, { device: string }][] {
  return [...wanted.apis].filter(
    ([name, { device }]) => !touched.apis.has(name) && touched.devices.get(device)?.isOff,
  )
}
