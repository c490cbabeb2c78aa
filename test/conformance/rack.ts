/** The intent of the rack under test. */
export const rack = {
  weft: 'v1',
  name: 'conformance',
  bgp: { timers: { keepalive: 3, hold: 9 } },
  racks: { rack: { leaves: 2, nodes: ['n1', 'n2', 'n3'] } },
  sites: {
    dc1: {
      addresses: {
        switches: ['10.10.18.0/24', 'fd00:10:18::/64'],
        nodes: ['10.10.19.0/24', 'fd00:10:19::/64'],
        pods: { pool: ['10.10.20.0/24', 'fd00:10:20::/64'], perNode: [28, 80] },
        services: ['10.10.21.0/24', 'fd00:10:21::/112'],
      },
      fabric: { spines: 1, racks: { rack: 1 } },
    },
  },
  clusters: { k8s: { site: 'dc1', controlPlane: ['n1'] } },
}
