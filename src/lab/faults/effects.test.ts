import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sketchIntent } from '../../plan/fixture.ts'
import { emptyLock } from '../../plan/lock.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import { announcementChanges } from './announcements.ts'
import { apiRules } from './api-fault.ts'
import { portScript } from './device-script.ts'
import { type DeviceEffects, type Effects, effectsOf, isFlappedDown, nextFlap } from './effects.ts'
import type { ActiveFault, FaultSpec } from './model.ts'
import { resolveFault, touchedBy } from './targets.ts'

const { plan } = planFabric(
  sketchIntent([
    { name: 'dc1', block: 1, racks: [{ name: 'r1', nodes: ['n1', 'n2'] }] },
    { name: 'dc2', block: 2, racks: [{ name: 'r1', nodes: ['m1'] }] },
  ]),
  emptyLock,
)
if (plan === null) throw new Error('the sketch cannot be planned')
const fabric = plan
const start = Date.parse('2026-01-01T00:00:00.000Z')

const links = fc.constantFrom(...fabric.links)
const devices = fc.constantFrom(...fabric.devices.map(({ name }) => name))
const deaths = fc.constantFrom('power' as const, 'silent' as const, 'carrier' as const)
const specs: fc.Arbitrary<FaultSpec> = fc.oneof(
  links.map((link) => ({ kind: 'carrier' as const, link: link.id })),
  links.map((link) => ({ kind: 'carrier' as const, link: link.id, end: link.b.device })),
  fc
    .tuple(links, fc.constantFrom('all' as const, 'bfd' as const, 'bgp' as const))
    .map(([link, traffic]) => ({ kind: 'silent' as const, link: link.id, from: link.a.device, traffic })),
  fc
    .tuple(links, fc.constantFrom(100, 1000))
    .map(([link, kilobitsPerSecond]) => ({ kind: 'rate' as const, link: link.id, kilobitsPerSecond })),
  links.map((link) => ({ kind: 'loss' as const, link: link.id, percent: 5 })),
  links.map((link) => ({ kind: 'mtu' as const, link: link.id, bytes: 1400 })),
  fc
    .tuple(
      devices,
      fc.constantFrom('kill' as const, 'stop' as const),
      fc.constantFrom('frr' as const, 'bgpd' as const),
    )
    .map(([device, how, daemon]) => ({ kind: 'daemon' as const, device, daemon, how })),
  fc.tuple(devices, deaths).map(([device, how]) => ({ kind: 'device' as const, device, how })),
  deaths.map((how) => ({ kind: 'tier' as const, site: 'dc1', role: 'spine', how })),
  deaths.map((how) => ({ kind: 'rack' as const, rack: 'dc1-r1', how })),
  fc.constant({ kind: 'site' as const, site: 'dc1', boundary: 'dci' as const, how: 'silent' as const }),
  devices.map((device) => ({ kind: 'announcement' as const, device, prefix: '10.0.0.0/8' })),
)

test('whatever faults come and go in whatever order, the machine is what those in force make of it', () => {
  const steps = fc.array(fc.oneof(specs, fc.nat({ max: 9 })), { maxLength: 20 })
  fc.assert(
    fc.property(steps, (sequence) => {
      const machine = new Map<string, DeviceEffects>()
      let active: ActiveFault[] = []
      for (const [index, step] of sequence.entries()) {
        const changed =
          typeof step === 'number'
            ? active[step]
            : { id: `f${index}`, spec: resolveFault(fabric, step), since: new Date(start).toISOString() }
        if (changed === undefined) continue
        active = active.includes(changed) ? active.filter((fault) => fault !== changed) : [...active, changed]
        settleModel(machine, effectsOf(fabric, [changed], 'ever'), effectsOf(fabric, active, start))
      }
      expect(facts(machine)).toEqual(facts(effectsOf(fabric, active, start).devices))
    }),
  )
})

/** What settle.ts does to a machine: everything that the changed fault touches becomes what is wanted. */
function settleModel(machine: Map<string, DeviceEffects>, touched: Effects, wanted: Effects): void {
  for (const [name, effects] of touched.devices) {
    const device = machine.get(name) ?? nothing()
    const want = wanted.devices.get(name) ?? nothing()
    machine.set(name, device)
    if (effects.drops.length > 0) device.drops = want.drops
    for (const key of ['downPorts', 'unsegmentedPorts', 'announcements'] as const)
      for (const entry of effects[key])
        if (want[key].has(entry)) device[key].add(entry)
        else device[key].delete(entry)
    for (const port of effects.rates.keys()) put(device.rates, port, want.rates.get(port))
    for (const name of effects.processes.keys()) put(device.processes, name, want.processes.get(name))
    if (effects.isOff) device.isOff = want.isOff
  }
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

function nothing(): DeviceEffects {
  return {
    downPorts: new Set(),
    drops: [],
    rates: new Map(),
    unsegmentedPorts: new Set(),
    isOff: false,
    processes: new Map(),
    announcements: new Set(),
  }
}

/** Sorted, and without devices that nothing is wrong with. */
function facts(devices: ReadonlyMap<string, DeviceEffects>): string[] {
  return [...devices]
    .flatMap(([name, device]) => [
      ...[...device.downPorts].map((port) => `${name} ${port} down`),
      ...device.drops.map(({ port, match, fault }) => `${name} ${port} drops ${match} for ${fault}`),
      ...[...device.rates].map(([port, rate]) => `${name} ${port} at ${rate}`),
      ...[...device.unsegmentedPorts].map((port) => `${name} ${port} unsegmented`),
      ...[...device.processes].map(([process, state]) => `${name} ${process} ${state}`),
      ...[...device.announcements].map((prefix) => `${name} announces ${prefix}`),
      ...(device.isOff ? [`${name} off`] : []),
    ])
    .toSorted()
}

test('packets that one end sends are dropped where they arrive', () => {
  const [link] = fabric.links
  const effects = effectsOf(fabric, [fault({ kind: 'silent', link: link!.id, from: link!.a.device })], start)

  expect([...effects.devices.keys()]).toEqual([link!.b.device])
})

test('a link flaps as often and as long as it was told, and has then come up', () => {
  const flap = fault({
    kind: 'flap',
    link: fabric.links[0]!.id,
    downMilliseconds: 300,
    upMilliseconds: 700,
    count: 2,
  })
  const edges: number[] = []
  for (let at: number | null = start; at !== null; at = nextFlap(flap as never, at)) edges.push(at - start)

  expect(edges).toEqual([0, 300, 1000, 1300])
  expect(
    [0, 299, 300, 999, 1000, 1299, 1300, 2500].map((ms) => isFlappedDown(flap as never, start + ms)),
  ).toEqual([true, true, false, false, true, true, false, false])
})

test('the script of a device replaces its rules at once and leaves nothing when nothing is wanted', () => {
  const [link] = fabric.links
  const touched = effectsOf(
    fabric,
    [
      fault({ kind: 'silent', link: link!.id, traffic: 'bfd' }),
      fault({ kind: 'rate', link: link!.id, kilobitsPerSecond: 2000 }),
      fault({ kind: 'carrier', link: link!.id }),
    ],
    start,
  ).devices.get(link!.a.device)!
  const port = link!.a.interface

  expect(portScript(touched, touched)).toBe(
    [
      "nft -f - <<'END' || exit 1",
      'add table netdev weft_fault',
      'delete table netdev weft_fault',
      'table netdev weft_fault {',
      ` chain port_${port} {`,
      `  type filter hook ingress device "${port}" priority -500; policy accept;`,
      '  udp dport { 3784, 3785 } counter drop comment "f1"',
      ' }',
      '}',
      'END',
      `tc qdisc replace dev ${port} root tbf rate 2000kbit burst 16384 latency 50ms || exit 1`,
      `ip link set ${port} down || exit 1`,
    ].join('\n'),
  )
  expect(portScript(touched, undefined)).toBe(
    [
      "nft -f - <<'END' || exit 1",
      'add table netdev weft_fault',
      'delete table netdev weft_fault',
      'END',
      `tc qdisc del dev ${port} root 2>/dev/null || :`,
      `ip link set ${port} up || exit 1`,
    ].join('\n'),
  )
})

test('an API that cannot be reached drops in both directions, whoever asks; a proxy gets new connections only', () => {
  const api = { device: 'n1', isUnreachable: true, isErroring: false, delayMilliseconds: 0 }

  expect(apiRules('http://10.1.1.1:6443', api, null)).toMatch(
    /ip daddr 10\.1\.1\.1 tcp dport 6443 counter drop[\s\S]*ip saddr 10\.1\.1\.1 tcp sport 6443 counter drop/,
  )
  expect(apiRules('http://[fd00::1]:6443', { ...api, isUnreachable: false }, 7000)).toContain(
    'ip6 saddr != ::1 ip6 daddr fd00::1 tcp dport 6443 dnat ip6 to [fd00::1]:7000',
  )
  expect(apiRules('http://10.1.1.1:6443', undefined, null)).not.toContain('chain')
})

test('a rogue prefix passes its own router’s filters, and the last one to go takes the hole in them with it', () => {
  const node = fabric.devices.find(({ role }) => role === 'node')!
  const one = new Set(['10.0.0.0/8'])
  const lines = (before: Set<string>, after: Set<string>) =>
    announcementChanges(fabric, node.name, before, after).map(({ context, line }) =>
      [...context, line].join(' / '),
    )

  expect(lines(new Set(), one)).toEqual([
    'ip prefix-list WEFT-FAULT permit 10.0.0.0/8',
    'route-map TO-LEAF permit 1 / match ip address prefix-list WEFT-FAULT',
    `router bgp ${node.asn} / address-family ipv4 unicast / network 10.0.0.0/8`,
  ])
  expect(lines(one, new Set())).toEqual([
    `router bgp ${node.asn} / address-family ipv4 unicast / no network 10.0.0.0/8`,
    'no route-map TO-LEAF permit 1',
    'no ip prefix-list WEFT-FAULT permit 10.0.0.0/8',
  ])
  expect(lines(one, one)).toEqual([])
})

test('names are found by what people call things, and nearly right ones are corrected', () => {
  const [link] = fabric.links
  const reversed = `${link!.b.device}--${link!.a.device}`

  expect(resolveFault(fabric, { kind: 'mtu', link: reversed, bytes: 1400 })).toMatchObject({ link: link!.id })
  expect(resolveFault(fabric, { kind: 'tier', site: 'dc1', role: 'spines', how: 'silent' })).toMatchObject({
    role: 'spine',
  })
  expect(touchedBy(fabric, { kind: 'rack', rack: 'dc1-r1', how: 'power' }).devices).toHaveLength(4)
  expect(touchedBy(fabric, { kind: 'site', site: 'dc1', how: 'silent' }).links).toHaveLength(4)
  expect(() => resolveFault(fabric, { kind: 'rack', rack: 'r1', how: 'power' })).toThrow('no rack "r1"')
  expect(() => resolveFault(fabric, { kind: 'device', device: 'dc1-spin1', how: 'power' })).toThrow(
    expect.objectContaining({ code: 'WEFT_LAB_DEVICE_UNKNOWN', hint: 'did you mean dc1-spine1?' }),
  )
  expect(() => resolveFault(fabric, { kind: 'site', site: 'dc1', boundary: 'edge', how: 'silent' })).toThrow(
    'no link to an external network',
  )
})

function fault(spec: FaultSpec): ActiveFault {
  return { id: 'f1', spec, since: new Date(start).toISOString() }
}
