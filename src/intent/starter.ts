/** The commented weft.yaml that `weft init` writes: one small site, and where to go from there. */
export function starterIntent(name: string): string {
  return `# ${name}: one small site. Every value that is not here has a default: docs/reference/intent.md lists them all.
weft: v1
name: ${name}

# FRR release on your devices (bgpd --version): it chooses syntax and work-arounds.
frr: "8.4"

# Rack types. Every node of a rack attaches to each of its leaves.
racks:
  compute: { leaves: 2, nodes: 2 }

# Sites. Choose address ranges that nothing else in your network uses; none may overlap another.
sites:
  dc1:
    addresses:
      switches: 10.10.18.0/24 # a loopback for each switch and router
      nodes: 10.10.19.0/24 # a loopback for each Kubernetes node
      pods: { pool: 10.10.24.0/22, perNode: 26 } # a /26 for each node: room for 16 nodes
      services: 10.10.21.0/24 # each service address is announced as a /32
    fabric: { spines: 2, racks: { compute: 1 } } # one more rack: compute: 2
    # dci: { routers: 2 } # towards other sites
    # edge: { routers: 2, asn: 64512 } # towards the peers below

  # A second site; give dc1 its dci: as well.
  # dc2:
  #   addresses:
  #     switches: 10.20.18.0/24
  #     nodes: 10.20.19.0/24
  #     pods: { pool: 10.20.24.0/22, perNode: 26 }
  #     services: 10.20.21.0/24
  #   fabric: { spines: 2, racks: { compute: 1 } }
  #   dci: { routers: 2 }

# Networks beyond the edge. They are told the service addresses, and give a default route; nothing else passes.
# peers:
#   isp-a: { site: dc1, asn: 64999, link: 192.0.2.0/29, send: [services], receive: [default] }

# Kubernetes clusters: one a site, none depends on another.
clusters:
  k8s-dc1: { site: dc1, controlPlane: 1 }

# Exceptions by selector, when a device must differ.
# overrides:
#   - select: { role: node, site: dc1 }
#     set: { timers: { keepalive: 1, hold: 3 } }

# What must hold, whatever changes above.
expect:
  - reach: { from: dc1.nodes, to: [dc1.nodes, dc1.pods], minimumWidth: 1 }
  - survive: { fail: [link, device], count: 1, outage: 1s }
`
}
