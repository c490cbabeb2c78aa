import type { Prefix } from '../../net/prefix.ts'
import type { Intent, Segment } from '../model.ts'

export interface NamedSegment {
  /** In the user's words: `pods of dc1`. */
  title: string
  segment: Segment
}

/** Every segment of the file, in the order that findings should name them. */
export function segmentsOf(intent: Intent): NamedSegment[] {
  const segments: NamedSegment[] = []
  for (const { name, addresses } of intent.sites) {
    for (const kind of ['switches', 'nodes', 'pods', 'services'] as const) {
      segments.push({ title: `${kind} of ${name}`, segment: addresses[kind] })
    }
  }
  if (intent.globalServices) segments.push({ title: 'global services', segment: intent.globalServices })
  for (const peer of intent.peers) {
    if (peer.link !== 'unnumbered')
      segments.push({ title: `link addresses of ${peer.name}`, segment: peer.link })
  }
  return segments
}

/** The prefixes of a segment, IPv4 first. */
export function prefixesOf(segment: Segment): Prefix[] {
  return segment.v6 === null ? [segment.v4] : [segment.v4, segment.v6]
}
