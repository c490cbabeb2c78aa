import { WeftError } from '../diagnostics/error.ts'
import type { ConfigChange } from '../frr/config-transaction.ts'
import type { FrrDaemon } from '../frr/daemon.ts'
import type { IpSession } from '../linux/ip-session.ts'
import type { ActualState } from './actual.ts'
import type { ChangeSet } from './changes.ts'
import type { PortGuard } from './port-guard/port-guard.ts'
import { addServiceAddresses, removeServiceAddresses, withLength } from './service-addresses.ts'
import { routeMapChanges } from './vip-route-map.ts'

/*
 * Makes changes, in the order that never announces an address that does not answer, and never has one answer on a port
 * that is not its Services': guard, address, `network` statement; and back the other way.
 *
 * Every operation can be repeated, so being killed between any two leaves nothing that the next pass does not mend.
 * One that is refused holds up no other: it is reported with its address and tried again.
 */

/** Where changes are made, and what is known to be there. */
export interface ApplyTarget {
  bgpd: Pick<FrrDaemon, 'configure'>
  ip: IpSession
  guard?: Pick<PortGuard, 'apply'> | undefined
  actual: ActualState
}

interface Run extends ApplyTarget {
  changes: ChangeSet
  failures: Map<string, string>
}

/** Makes the changes, notes in `actual` what was done, and returns what was refused, by address or route map. */
export async function applyChanges(changes: ChangeSet, target: ApplyTarget): Promise<Map<string, string>> {
  const run: Run = { ...target, changes, failures: new Map() }
  await Promise.all([openGuard(run), addRouteMaps(run), removeNetworks(run)])
  await addAddresses(run)
  await Promise.all([addNetworks(run), removeAddresses(run)])
  await Promise.all([closeGuard(run), removeRouteMaps(run)])
  return run.failures
}

async function openGuard({ guard, actual, changes, failures }: Run): Promise<void> {
  if (guard === undefined || actual.guard === undefined) return
  const { rebuildGuard: rebuild, setGuards } = changes
  if (!rebuild && setGuards.length === 0) return
  const known = actual.guard.ports
  try {
    await guard.apply({
      rebuild,
      set: setGuards.map(({ address, ports }) => ({ address, ports, before: known.get(address) ?? [] })),
      remove: [],
    })
  } catch (error) {
    // What cannot be guarded does not appear; what is announced already stays, and withdrawals go on.
    if (!(error instanceof WeftError)) throw error
    for (const { address } of setGuards) failures.set(address, error.message)
    if (rebuild && setGuards.length === 0) failures.set('port guard', error.message)
    return
  }
  if (rebuild) known.clear()
  for (const { address, ports } of setGuards) known.set(address, ports)
  actual.guard.isIntact = true
}

/** An address that could not be removed stays guarded. */
async function closeGuard({ guard, actual, changes }: Run): Promise<void> {
  if (guard === undefined || actual.guard === undefined) return
  const known = actual.guard.ports
  const remove = changes.removeGuards
    .filter((address) => known.has(address) && !actual.addresses.has(address))
    .map((address) => ({ address, before: known.get(address) ?? [] }))
  if (remove.length === 0) return
  await guard.apply({ rebuild: false, set: [], remove })
  for (const { address } of remove) known.delete(address)
}

async function addAddresses({ changes, actual, ip, failures }: Run): Promise<void> {
  const guarded = changes.addAddresses.filter((address) => !failures.has(address))
  await addServiceAddresses(guarded, actual, ip, (address, reason) => failures.set(address, reason))
}

async function removeAddresses({ changes, actual, ip, failures }: Run): Promise<void> {
  const safe = changes.removeAddresses.filter((address) => !actual.networks.has(address))
  await removeServiceAddresses(safe, actual, ip, (address, reason) => failures.set(address, reason))
}

async function addRouteMaps(run: Run): Promise<void> {
  for (const routeMap of run.changes.addRouteMaps) {
    try {
      await run.bgpd.configure(routeMapChanges(routeMap, run.actual.asn))
      run.actual.routeMaps.add(routeMap.name)
    } catch (error) {
      run.failures.set(routeMap.name, refusalOf(error).message)
    }
  }
}

async function removeRouteMaps(run: Run): Promise<void> {
  const statements = run.changes.removeRouteMaps.map((name) => ({
    subject: name,
    change: { context: [], line: `no route-map ${name}` },
  }))
  await configure(statements, run, (name) => run.actual.routeMaps.delete(name))
}

async function removeNetworks(run: Run): Promise<void> {
  const statements = run.changes.removeNetworks.map((address) => ({
    subject: address,
    change: statement(run.actual, address, `no network ${withLength(address)}`),
  }))
  await configure(statements, run, (address) => run.actual.networks.delete(address))
}

async function addNetworks(run: Run): Promise<void> {
  const { actual, failures } = run
  const possible = run.changes.addNetworks.filter(
    ({ address, routeMap }) => actual.addresses.has(address) && !failures.has(routeMap),
  )
  const routeMaps = new Map(possible.map(({ address, routeMap }) => [address, routeMap]))
  const statements = possible.map(({ address, routeMap }) => ({
    subject: address,
    change: statement(actual, address, `network ${withLength(address)} route-map ${routeMap}`),
  }))
  await configure(statements, run, (address) => actual.networks.set(address, routeMaps.get(address) ?? ''))
}

interface Statement {
  /** Address or route map it is about. */
  subject: string
  change: ConfigChange
}

function statement(actual: ActualState, address: string, line: string): ConfigChange {
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  return { context: [actual.instance, `address-family ${family} unicast`], line }
}

/** All in one transaction; when one statement is refused, each on its own, so that it holds up no other. */
async function configure(statements: Statement[], run: Run, note: (subject: string) => void): Promise<void> {
  if (statements.length === 0) return
  try {
    await run.bgpd.configure(statements.map(({ change }) => change))
    for (const { subject } of statements) note(subject)
  } catch (error) {
    const refusal = refusalOf(error)
    const [only] = statements
    if (statements.length === 1 && only !== undefined) {
      run.failures.set(only.subject, refusal.message)
      return
    }
    for (const single of statements) await configure([single], run, note)
  }
}

/** Anything but a refused line is a surprise, or means that bgpd is gone. */
function refusalOf(error: unknown): WeftError {
  if (error instanceof WeftError && error.code === 'WEFT_FRR_CONFIG_REFUSED') return error
  throw error
}
