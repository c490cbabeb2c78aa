import type { BfdProfile, LinkClass } from './model.ts'

/** Within a site BFD notices in 0.3 s; between sites and towards providers the path itself may pause for longer. */
export const defaultBfd: Record<LinkClass, BfdProfile> = {
  node: { transmitMilliseconds: 100, receiveMilliseconds: 100, multiplier: 3 },
  fabric: { transmitMilliseconds: 100, receiveMilliseconds: 100, multiplier: 3 },
  border: { transmitMilliseconds: 100, receiveMilliseconds: 100, multiplier: 3 },
  dci: { transmitMilliseconds: 300, receiveMilliseconds: 300, multiplier: 3 },
  edge: { transmitMilliseconds: 300, receiveMilliseconds: 300, multiplier: 3 },
}

export const linkClasses = Object.keys(defaultBfd) as LinkClass[]
