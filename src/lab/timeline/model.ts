/** Everything that a fabric said about a change, on one clock. */
export interface TimelineEvent {
  /** Milliseconds after the zero that its recorder was given; microseconds are real. */
  atMs: number
  device: string
  source: 'fault' | 'link' | 'bfd' | 'bgp' | 'rib' | 'fib' | 'agent' | 'probe'
  /** What it is about: an interface, a neighbour, a prefix. */
  subject: string
  /** `down`, `up`, `withdrawn`, `3 -> 2 next hops`: short, as an engineer would say it. */
  text: string
}
