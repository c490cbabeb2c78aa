/*
 * Small plans by hand for tests: every role once, wired as the planner wires them, but with policies short enough to
 * be read beside what they become.
 */
import type { Device, Interface, Plan, Role, RoutePolicy, Session, SessionEnd } from '../plan/model.ts'

type EndSettings = Partial<SessionEnd> & Pick<SessionEnd, 'group' | 'import' | 'export'>

const permitAll: RoutePolicy = { terms: [{ action: 'permit', match: {}, set: {} }] }

/** Two leaves, two spines, two dual-homed nodes, a border leaf, an edge router and a provider. */
export function fabricPlan(): Plan {
  const plan = emptyPlan()
  const spine1 = addDevice(plan, 'dc1-spine1', 'spine', 4_200_000_001, '10.10.1.1')
  const spine2 = addDevice(plan, 'dc1-spine2', 'spine', 4_200_000_001, '10.10.1.2')
  const leaf1 = addDevice(plan, 'dc1-leaf1', 'leaf', 4_200_000_011, '10.10.1.11')
  const leaf2 = addDevice(plan, 'dc1-leaf2', 'leaf', 4_200_000_012, '10.10.1.12')
  const border = addDevice(plan, 'dc1-border1', 'border-leaf', 4_200_000_021, '10.10.1.21')
  const edge = addDevice(plan, 'dc1-edge1', 'edge-router', 4_200_000_031, '10.10.1.31')
  const provider = addDevice(plan, 'isp-a', 'external', 64_500, '203.0.113.1')
  const node1 = addDevice(plan, 'dc1-a-n1', 'node', 4_200_000_101, '10.10.19.1')
  const node2 = addDevice(plan, 'dc1-a-n2', 'node', 4_200_000_102, '10.10.19.2')

  for (const spine of [spine1, spine2]) {
    for (const below of [leaf1, leaf2, border]) {
      connect(plan, spine, below, {
        a: {
          group: below === border ? 'BORDERS' : 'LEAVES',
          import: 'dc1.FROM-BELOW',
          export: 'dc1.TO-BELOW',
        },
        b: { group: 'SPINES', import: 'dc1.FROM-ABOVE', export: 'dc1.TO-ABOVE' },
      })
    }
  }
  for (const [index, node] of [node1, node2].entries()) {
    node.attachment = 'ebgp'
    node.podCidrs = [`10.10.${20 + index}.0/24`]
    node.originates.push({ prefix: node.podCidrs[0]!, via: 'kernel', policy: null })
    node.extraPolicies = ['dc1.VIP-site', 'dc1.VIP-edge']
    for (const leaf of [leaf1, leaf2]) {
      connect(plan, leaf, node, {
        class: 'node',
        a: {
          group: 'NODES',
          import: 'dc1.FROM-NODE',
          export: 'dc1.TO-NODE',
          accept: [
            { prefix: node.loopbacks[0]! },
            { prefix: node.podCidrs[0]! },
            { prefix: '10.10.64.0/24', ge: 32, le: 32 },
          ],
          acceptAsPath: `^${node.asn}$`,
          maximumPrefixes: 264,
          defaultOriginate: 'dc1.UPLINK-ALIVE',
        },
        b: { group: 'TOR', import: 'dc1.FROM-LEAF', export: 'dc1.TO-LEAF' },
      })
    }
  }
  border.originates.push({ prefix: '10.10.20.0/22', via: 'aggregate', policy: 'dc1.AGGREGATE-PODS' })
  connect(plan, border, edge, {
    class: 'border',
    a: { group: 'EDGE', import: 'dc1.FROM-BELOW', export: 'dc1.TO-BELOW' },
    b: { group: 'BORDERS', import: 'dc1.FROM-BELOW', export: 'dc1.TO-BELOW' },
  })
  connect(plan, edge, provider, {
    class: 'edge',
    addresses: ['192.0.2.0/31', '192.0.2.1/31'],
    password: 'letmein',
    a: {
      group: 'PEER-isp-a',
      import: 'dc1.FROM-isp-a',
      export: 'dc1.TO-isp-a',
      acceptAsPath: '^64500(_|$)',
      maximumPrefixes: 100,
      removePrivateAs: true,
    },
    b: { group: 'EDGE', import: 'external.ANY', export: 'external.OWN' },
  })
  provider.originates = [{ prefix: '0.0.0.0/0', via: 'network', policy: null }]
  return plan
}

/** The seed's node between two leaves of its own AS number, with its addresses and interface names. */
export function seedPlan(): Plan {
  const plan = emptyPlan()
  const node = addDevice(plan, 'cp1', 'node', 65_496, '10.10.19.10')
  node.attachment = 'ibgp'
  node.vips = ['10.10.21.66/32', '10.10.21.227/32']
  node.podCidrs = ['10.10.20.0/26']
  node.originates.push(...node.vips.map((prefix) => ({ prefix, via: 'network' as const, policy: null })), {
    prefix: '10.10.20.0/26',
    via: 'kernel',
    policy: null,
  })
  for (const [index, uplink] of ['eno5', 'eno7'].entries()) {
    const leaf = addDevice(plan, `leaf${index + 1}`, 'leaf', 65_496, `10.10.2.${index + 1}`)
    connect(plan, leaf, node, {
      class: 'node',
      type: 'ibgp',
      interfaces: ['swp1', uplink],
      a: {
        group: 'NODES',
        import: 'dc1.FROM-NODE',
        export: 'dc1.TO-NODE',
        accept: [{ prefix: '10.10.19.10/32' }, { prefix: '10.10.21.0/24', ge: 32, le: 32 }],
        acceptAsPath: '^$',
        maximumPrefixes: 264,
        routeReflectorClient: true,
        nextHopSelf: true,
      },
      b: { group: 'TOR', import: 'dc1.FROM-LEAF', export: 'dc1.TO-LEAF' },
    })
  }
  return plan
}

/** Device of a plan by name. */
export function findDevice(plan: Plan, name: string): Device {
  const device = plan.devices.find((candidate) => candidate.name === name)
  if (device === undefined) throw new TypeError(`the plan has no device "${name}"`)
  return device
}

/** A plan without devices, with the policies and communities that the others refer to. */
export function emptyPlan(): Plan {
  return {
    name: 'fixture',
    frr: { major: 8, minor: 4 },
    ecmpHash: 'l4',
    fastLocalRepair: false,
    sites: [],
    devices: [],
    links: [],
    sessions: [],
    policies: {
      'dc1.FROM-BELOW': { terms: [{ action: 'permit', match: { prefixSet: 'dc1.FABRIC' }, set: {} }] },
      'dc1.TO-BELOW': { terms: [{ action: 'permit', match: { prefixSet: 'dc1.FABRIC' }, set: {} }] },
      'dc1.FROM-ABOVE': { terms: [{ action: 'permit', match: {}, set: { addCommunities: ['DOWN'] } }] },
      'dc1.TO-ABOVE': {
        terms: [
          { action: 'deny', match: { anyCommunity: ['DOWN'] }, set: {} },
          { action: 'permit', match: { prefixSet: 'dc1.FABRIC' }, set: {} },
        ],
      },
      'dc1.FROM-NODE': {
        terms: [
          {
            action: 'permit',
            match: { prefixSet: 'dc1.SERVICES', anyCommunity: ['SCOPE-global', 'SCOPE-edge'] },
            set: { addCommunities: ['SITE-dc1'] },
          },
          { action: 'permit', match: {}, set: { replaceCommunities: ['SITE-dc1', 'KIND-node'] } },
        ],
      },
      'dc1.TO-NODE': permitAll,
      'dc1.UPLINK-ALIVE': { terms: [{ action: 'permit', match: { anyCommunity: ['DOWN'] }, set: {} }] },
      'dc1.FROM-LEAF': permitAll,
      'dc1.TO-LEAF': { terms: [{ action: 'permit', match: { local: true }, set: {} }] },
      'dc1.AGGREGATE-PODS': {
        terms: [{ action: 'permit', match: {}, set: { replaceCommunities: ['SITE-dc1'] } }],
      },
      'dc1.FROM-isp-a': { terms: [{ action: 'permit', match: {}, set: { replaceCommunities: [] } }] },
      'dc1.TO-isp-a': {
        terms: [{ action: 'permit', match: { prefixSet: 'dc1.SERVICES' }, set: { prepend: 2 } }],
      },
      'dc1.VIP-site': { terms: [{ action: 'permit', match: {}, set: { addCommunities: ['SCOPE-site'] } }] },
      'dc1.VIP-edge': { terms: [{ action: 'permit', match: {}, set: { addCommunities: ['SCOPE-edge'] } }] },
      'external.ANY': permitAll,
      'external.OWN': { terms: [{ action: 'permit', match: { local: true }, set: {} }] },
    },
    prefixSets: {
      'dc1.FABRIC': { entries: [{ prefix: '10.10.0.0/16', ge: 16, le: 32 }] },
      'dc1.SERVICES': { entries: [{ prefix: '10.10.64.0/24', ge: 32, le: 32 }] },
    },
    communities: {
      'SITE-dc1': '4200000000:1:1',
      'KIND-node': '4200000000:2:2',
      'SCOPE-site': '4200000000:3:2',
      'SCOPE-global': '4200000000:3:3',
      'SCOPE-edge': '4200000000:3:4',
      DOWN: '4200000000:4:1',
    },
    bfdProfiles: {
      node: { transmitMilliseconds: 100, receiveMilliseconds: 100, multiplier: 3 },
      fabric: { transmitMilliseconds: 300, receiveMilliseconds: 300, multiplier: 3 },
    },
    clusters: [],
    globalServices: [],
    capacity: [],
    scale: [],
    expect: [],
  }
}

/** Adds a device that announces its loopback. */
export function addDevice(plan: Plan, name: string, role: Role, asn: number, loopback: string): Device {
  const device: Device = {
    name,
    hostname: name,
    role,
    site: role === 'external' ? null : 'dc1',
    pod: null,
    rack: null,
    plane: null,
    tier: 0,
    position: 0,
    asn,
    routerId: loopback,
    loopbacks: [`${loopback}/32`],
    podCidrs: [],
    vips: [],
    attachment: null,
    interfaces: [],
    originates: [{ prefix: `${loopback}/32`, via: 'network', policy: null }],
    extraPolicies: [],
    maximumPaths: 64,
    hashSeed: plan.devices.length + 1,
    path: 'sites.dc1',
  }
  plan.devices.push(device)
  return device
}

interface ConnectSettings extends Partial<Pick<Session, 'class' | 'type' | 'password' | 'families'>> {
  a: EndSettings
  b: EndSettings
  /** Makes the link a numbered one. */
  addresses?: [string, string]
  interfaces?: [string, string]
}

/** Joins two devices by a link and a session. */
export function connect(plan: Plan, a: Device, b: Device, settings: ConnectSettings): Session {
  const [nameA, nameB] = settings.interfaces ?? [nextInterface(a), nextInterface(b)]
  const id = `${a.name}--${b.name}`
  const [addressA, addressB] = settings.addresses ?? []
  const end = (name: string, other: Device, otherName: string, address?: string): Interface => ({
    name,
    link: id,
    peerDevice: other.name,
    peerInterface: otherName,
    addresses: address === undefined ? [] : [address],
  })
  a.interfaces.push(end(nameA, b, nameB, addressA))
  b.interfaces.push(end(nameB, a, nameA, addressB))
  const linkClass = settings.class ?? 'fabric'
  plan.links.push({
    id,
    class: linkClass,
    a: { device: a.name, interface: nameA },
    b: { device: b.name, interface: nameB },
  })
  const session: Session = {
    link: id,
    class: linkClass,
    type: settings.type ?? 'ebgp',
    unnumbered: addressA === undefined,
    families: settings.families ?? ['ipv4'],
    timers: { keepaliveSeconds: 1, holdSeconds: 3 },
    bfd: linkClass === 'node' ? 'node' : 'fabric',
    gtsm: true,
    password: settings.password ?? null,
    a: { ...plainEnd(a, nameA, addressB), ...settings.a },
    b: { ...plainEnd(b, nameB, addressA), ...settings.b },
  }
  plan.sessions.push(session)
  return session
}

function plainEnd(
  device: Device,
  name: string,
  neighbor?: string,
): Omit<SessionEnd, 'group' | 'import' | 'export'> {
  return {
    device: device.name,
    interface: name,
    neighborAddress: neighbor?.split('/')[0] ?? null,
    accept: null,
    acceptAsPath: null,
    maximumPrefixes: null,
    routeReflectorClient: false,
    nextHopSelf: false,
    removePrivateAs: false,
    defaultOriginate: null,
  }
}

function nextInterface(device: Device): string {
  return `eth${device.interfaces.length + 1}`
}
