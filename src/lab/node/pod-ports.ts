import type { Pod } from '../kubernetes/api-server/objects.ts'

/** The ports a pod's containers name for one protocol. */
export function portsOf(pod: Pod, protocol: string): number[] {
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? [])
  const numbers = ports
    .filter((port) => (port.protocol ?? 'TCP') === protocol)
    .map((port) => port.containerPort)
  return [...new Set(numbers)]
}

/** The TCP ports of a pod; one that names none still answers its probe. */
export function tcpPortsOf(pod: Pod): number[] {
  const ports = portsOf(pod, 'TCP')
  return ports.length === 0 ? [8080] : ports
}
