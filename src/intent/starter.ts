/** The commented weft.yaml that `weft init` writes: the smallest network with a spine, and where to go from there. */
export function starterIntent(name: string): string {
  return `# ${name}: written by weft init. Every value that is not here has a default; docs/reference/intent.md lists them.
# yaml-language-server: $schema=docs/reference/weft.schema.json
weft: v1
name: ${name}

# FRR release on your devices (bgpd --version). It chooses syntax and work-arounds.
frr: "8.4"

# Rack types. Every node of a rack attaches to each of its leaves.
racks:
  compute: { leaves: 2, nodes: 2 }

sites:
  dc1:
    # Choose ranges that nothing else in your network uses. They may not overlap.
    addresses:
      switches: 10.10.18.0/24 # a loopback for each switch and router
      nodes: 10.10.19.0/24 # a loopback for each Kubernetes node
      pods: { pool: 10.10.24.0/22, perNode: 26 } # a /26 for each node: room for 16 nodes
      services: 10.10.21.0/24 # service addresses, announced as /32 within the site
    fabric:
      spines: 2
      racks: { compute: 1 }
    # A way out: uncomment, and add the peer below.
    # edge: { routers: 2, asn: 64512 }

# peers:
#   isp-a: { site: dc1, asn: 64999, link: 192.0.2.0/29, send: [services], receive: [default] }

clusters:
  k8s-dc1: { site: dc1, controlPlane: 1 }

# What must hold, whatever changes above.
expect:
  - reach: { from: dc1.nodes, to: dc1.nodes, minimumWidth: 1 }
  - survive: { fail: [link], count: 1, outage: 1s }
`
}
