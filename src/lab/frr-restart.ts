import { readFile } from 'node:fs/promises'
import { type RestartOptions, type RestartReport, restartHitless } from '../frr/hitless/restart.ts'
import type { RestartTarget } from '../frr/hitless/target.ts'
import { configPath, daemons, isConfigured, keepsKernelRoutes, startDaemons } from './daemons.ts'
import { requireDevice } from './faults/targets.ts'
import { namespaceOf } from './names.ts'
import type { LabState } from './state.ts'

/*
 * FRR of one device of a lab, restarted as on a real node: killed and started again over routes that stay in the
 * kernel. Only nodes have graceful restart; of a switch, neighbors use other ways until it is back.
 */

/** By then the neighbors of a device without graceful restart have moved: detection, and one hop's repair. */
const neighborsMoveMs = 1_000

/** A lab's device as something to restart. */
export async function findRestartTarget(state: LabState, device: string): Promise<RestartTarget> {
  requireDevice(state.plan, device)
  const namespace = namespaceOf(state.name, device)
  const configured = daemons.filter((daemon) => isConfigured(state.name, device, daemon))
  return {
    name: device,
    frr: { pathspace: namespace },
    namespace,
    startConfig: await readFile(configPath(state.name, device, 'bgpd'), 'utf8'),
    keepsKernelRoutes: keepsKernelRoutes(state.name, device),
    startedBy: configured.join(', '),
    start: () => startDaemons(state.name, device, configured),
  }
}

/** Kills all FRR daemons of a device, starts them again and says what its kernel saw of it. */
export async function restartFrr(
  state: LabState,
  device: string,
  options: RestartOptions = {},
): Promise<RestartReport> {
  const target = await findRestartTarget(state, device)
  const pause = target.keepsKernelRoutes ? {} : { pauseMs: neighborsMoveMs }
  return await restartHitless(target, { ...pause, ...options })
}
