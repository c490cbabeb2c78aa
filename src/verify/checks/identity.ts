/** Addresses that belong to two devices. */
import { comparePrefixes, contains, type Prefix, parsePrefix } from '../../net/prefix.ts'
import type { Device } from '../../plan/model.ts'
import type { Check, Hit } from './check.ts'
import type { VerifyContext } from './context.ts'

export const addressDuplicate: Check = {
  id: 'address-duplicate',
  title: 'Two devices have the same address, router ID or pod prefix',
  severity: 'error',
  why: 'A loopback that two devices announce is anycast by accident: half of the packets for one arrive at the other, and sessions with equal router IDs are refused. Overlapping pod prefixes send replies to the wrong node.',
  mend: 'give one of them another address; `weft plan` hands out numbers that are free',
  *find({ plan }: VerifyContext): Generator<Hit> {
    const inside = plan.devices.filter((device) => device.role !== 'external')
    const hit = (what: string, first: Device, second: Device, like: string): Hit => ({
      message: `${second.name} has ${what}, and so has ${first.name}`,
      devices: [second.name, first.name],
      path: second.path,
      like,
    })
    const holder = new Map<string, Device>()
    const routerIds = new Map<string, Device>()
    for (const device of inside) {
      for (const loopback of device.loopbacks) {
        const other = holder.get(loopback)
        if (other !== undefined) yield hit(`the loopback ${loopback}`, other, device, 'loopback')
        holder.set(loopback, device)
      }
      const twin = routerIds.get(device.routerId)
      const isSaid = twin?.loopbacks.some((loopback) => device.loopbacks.includes(loopback))
      if (twin !== undefined && !isSaid)
        yield hit(`the router ID ${device.routerId}`, twin, device, 'router ID')
      routerIds.set(device.routerId, device)
    }
    const pods = inside
      .flatMap((device) => device.podCidrs.map((text) => ({ device, text, prefix: parsePrefix(text) })))
      .toSorted((x, y) => comparePrefixes(x.prefix, y.prefix))
    let outer: { device: Device; text: string; prefix: Prefix } | undefined
    for (const entry of pods) {
      if (outer !== undefined && contains(outer.prefix, entry.prefix)) {
        yield hit(`the pod prefix ${entry.text} within ${outer.text}`, outer.device, entry.device, 'pods')
      } else outer = entry
    }
  },
}
