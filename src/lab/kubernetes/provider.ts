/**
 * Where a lab's Kubernetes API comes from. The embedded server is one provider; the real kube-apiserver with etcd is
 * to be another. The lab asks for a provider and sees no difference.
 */

import { startControlPlane } from './control-plane.ts'
import type { ControlPlaneConfig } from './control-plane-config.ts'
import type { Log } from './log.ts'

interface RunningControlPlane {
  /** Where clients on this machine, or in this network namespace, reach it: the first listener. */
  readonly apiUrl: string
  /** All listeners. */
  readonly apiUrls: readonly string[]
  close(): Promise<void>
}

export interface ControlPlaneProvider {
  readonly name: 'embedded' | 'real'
  /** Starts a control plane; when this returns, its API answers. */
  start(config: ControlPlaneConfig, log: Log): Promise<RunningControlPlane>
}

/** The API server and controllers of this folder, in this process. */
export const embeddedControlPlane: ControlPlaneProvider = {
  name: 'embedded',
  start: (config, log) => startControlPlane(config, log),
}
