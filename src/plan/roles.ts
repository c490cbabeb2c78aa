/** What a device can be, from the node upward. An external is a network beyond the edge: planned so far as a lab needs it. */
export const roles = [
  'node',
  'leaf',
  'spine',
  'super-spine',
  'border-leaf',
  'dci-router',
  'edge-router',
  'external',
] as const
