import type { AgentConfig } from '../config.ts'
import { CiliumDetector } from './cilium-detector.ts'
import type { DataplaneDetector } from './dataplane-detector.ts'
import { KubeProxyDetector } from './kube-proxy-detector.ts'
import { WeftLabDetector } from './weft-lab-detector.ts'

/** The configured detector; undefined when addresses are announced without asking. */
export function makeDetector({ dataplane }: Pick<AgentConfig, 'dataplane'>): DataplaneDetector | undefined {
  const { detector, url } = dataplane
  if (detector === 'weft-lab') return new WeftLabDetector(url)
  if (detector === 'kube-proxy') return new KubeProxyDetector(url)
  return detector === 'cilium' ? new CiliumDetector(url) : undefined
}
