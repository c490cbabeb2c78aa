import type { DeviceView } from '../view.ts'
import { block, line, type Statement } from './statement.ts'

/** BFD profiles (RFC 5880) of the device's sessions; bgpd asks bfdd for the sessions themselves. */
export function renderBfd({ plan, device, neighbors }: DeviceView): Statement[][] {
  const names = new Set(neighbors.flatMap(({ session }) => (session.bfd === null ? [] : [session.bfd])))
  if (names.size === 0) return []
  const profiles = [...names].sort().map((name) => {
    const profile = plan.bfdProfiles[name]
    if (profile === undefined) throw new TypeError(`${device.name} uses the unknown BFD profile "${name}"`)
    return block(`profile ${name}`, [
      line(`detect-multiplier ${profile.multiplier}`),
      line(`transmit-interval ${profile.transmitMilliseconds}`),
      line(`receive-interval ${profile.receiveMilliseconds}`),
    ])
  })
  return [[block('bfd', profiles)]]
}
