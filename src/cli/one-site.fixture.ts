/** For tests: one site, two spines, one rack of two nodes. */
export const oneSite = `weft: v1
name: acme
racks:
  compute: { leaves: 2, nodes: 2 }
sites:
  dc1:
    addresses:
      switches: 10.10.18.0/24
      nodes: 10.10.19.0/24
      pods: { pool: 10.10.24.0/22, perNode: 26 }
      services: 10.10.21.0/24
    fabric: { spines: 2, racks: { compute: 1 } }
`

/** The same with a peer whose sessions have a password. */
export const oneSiteWithPeer = `${oneSite}    edge: { routers: 2, asn: 64512 }
peers:
  isp:
    site: dc1
    asn: 64999
    link: 192.0.2.0/29
    password: hush-1
    send: [services]
    receive: [default]
`
