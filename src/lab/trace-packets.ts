import { setTimeout as delay } from 'node:timers/promises'
import { namespaceOf } from './names.ts'
import { firstProbePort, HostCapture } from './probe/host-capture.ts'
import { cablesOf } from './probe/hosts.ts'
import type { Packet } from './probe/pcap.ts'
import { openProbe } from './probe/probe-host.ts'
import type { LabState } from './state.ts'
import { readInterfaceNames } from './timeline/interface-names.ts'
import type { Forwarding } from './trace-forwarding.ts'

/** More devices than this are not all listened at, but only those on possible ways. */
const mostListened = 40
const packetsPerFlow = 4
const sendingMs = 200
const graceMs = 100

export interface Sending {
  from: string
  source: string
  address: string
  port: number
  flows: number
  kernel: Forwarding
  planned: Forwarding | null
}

/** Sends flows and listens at every device that they may come to: the devices that each flow passed, and its source port. */
export async function sendAndListen(
  state: LabState,
  { from, source, address, port, flows, kernel, planned }: Sending,
): Promise<{ ports: number[]; taken: string[][] }> {
  const all = state.plan.devices.map(({ name }) => name)
  const possible = new Set([from, ...kernel.keys(), ...(planned?.keys() ?? [])])
  const devices = [...(all.length <= mostListened ? new Set([...all, ...possible]) : possible)]
  const interfaces = await readInterfaceNames(state.name, devices)
  const captures = devices.map((device) => ({
    device,
    capture: new HostCapture({ namespace: namespaceOf(state.name, device), filter: `dst host ${address}` }),
  }))
  const probe = openProbe(state.name, from)
  try {
    await Promise.all(captures.map(({ capture }) => capture.start()))
    const first = firstProbePort + Math.floor(Math.random() * 6_000)
    const run = await probe.startFlows({
      source,
      destination: address,
      port,
      flows,
      packetsPerSecond: (flows * packetsPerFlow * 1000) / sendingMs,
      sourcePorts: Array.from({ length: flows * 2 }, (_, index) => first + index),
    })
    await delay(sendingMs)
    await run.stop()
    await delay(graceMs)
    await Promise.all(captures.map(({ capture }) => capture.stop()))
    const left = new Map<string, Map<number, string>>(
      captures.map(({ device, capture }) => [
        device,
        waysOut(capture.packets(), port, interfaces.get(device) ?? new Map()),
      ]),
    )
    const cables = cablesOf(state.plan)
    const taken = run.sourcePorts.map((sourcePort) => {
      const path = [from]
      for (let at: string | undefined = from; at !== undefined && path.length <= devices.length; ) {
        const out: string | undefined = left.get(at)?.get(sourcePort)
        at = out === undefined ? undefined : cables.get(`${at}/${out}`)?.device
        if (at !== undefined) path.push(at)
      }
      return path
    })
    return { ports: run.sourcePorts, taken }
  } finally {
    probe.close()
    for (const { capture } of captures) capture.kill()
  }
}

/** Source port → interface by which its packets left. */
function waysOut(
  packets: readonly Packet[],
  port: number,
  interfaces: ReadonlyMap<number, string>,
): Map<number, string> {
  const ways = new Map<number, string>()
  for (const packet of packets) {
    const name = interfaces.get(packet.interfaceIndex)
    if (
      packet.isOutgoing &&
      packet.destinationPort === port &&
      name !== undefined &&
      !ways.has(packet.sourcePort)
    )
      ways.set(packet.sourcePort, name)
  }
  return ways
}
