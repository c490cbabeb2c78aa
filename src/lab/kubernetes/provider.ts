/**
 * Where a lab's Kubernetes API comes from. The embedded server is one provider, the real kube-apiserver with
 * etcd another. The lab asks for a provider; the only difference it sees is that the real one wants credentials.
 */

import type { KubeAccess } from '../../kube/client.ts'
import { startControlPlane } from './control-plane.ts'
import type { ControlPlaneConfig } from './control-plane-config.ts'
import type { Log } from './log.ts'
import { startRealControlPlane } from './real/real-control-plane.ts'

export interface RunningControlPlane {
  /** Where clients on this machine, or in this network namespace, reach it: the first listener. */
  readonly apiUrl: string
  /** All listeners. */
  readonly apiUrls: readonly string[]
  /** How an administrator talks to it. */
  readonly access: KubeAccess
  /** Resolves when a part of it has ended by itself. */
  readonly failed: Promise<Error>
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
  async start(config, log) {
    const running = await startControlPlane(config, log)
    return { ...running, access: { url: running.apiUrl }, failed: Promise.withResolvers<Error>().promise }
  },
}

/** kube-apiserver with etcd, and what else of Kubernetes the configuration names programs for. */
export const realControlPlane: ControlPlaneProvider = { name: 'real', start: startRealControlPlane }
