import { WeftError } from '../diagnostics/error.ts'
import type { ConfigChange } from '../frr/config-transaction.ts'
import type { FrrDaemon } from '../frr/daemon.ts'
import type { IpSession } from '../linux/ip-session.ts'
import { type ActualState, loopbackDevice } from './actual.ts'
import type { Announce } from './desired/decision.ts'

/*
 * From what should be to what is: the fewest operations, in the order that never announces an address that does not
 * answer. An address is on `lo` before its `network` statement, and the statement is gone before the address.
 *
 * Every operation can be repeated, so being killed between any two leaves nothing that the next pass does not mend.
 * One that is refused holds up no other: it is reported with its address and tried again.
 */

export interface ChangeSet {
  addAddresses: string[]
  removeAddresses: string[]
  /** Also those whose statement names another route map: FRR replaces it in place. */
  addNetworks: { address: string; routeMap: string }[]
  removeNetworks: string[]
}

/** The route map of the base configuration that gives an announcement its scope. */
function routeMapOf(decision: Announce): string {
  return `VIP-${decision.scope}`
}

/** What is to be done about some addresses. */
export function planChanges(
  addresses: Iterable<string>,
  wanted: (address: string) => Announce | undefined,
  actual: Pick<ActualState, 'addresses' | 'networks'>,
): ChangeSet {
  const changes: ChangeSet = { addAddresses: [], removeAddresses: [], addNetworks: [], removeNetworks: [] }
  for (const address of new Set(addresses)) {
    const decision = wanted(address)
    const routeMap = decision === undefined ? undefined : routeMapOf(decision)
    const isPresent = actual.addresses.has(address)
    const announcedWith = actual.networks.get(address)
    if (routeMap !== undefined) {
      if (!isPresent) changes.addAddresses.push(address)
      if (announcedWith !== routeMap) changes.addNetworks.push({ address, routeMap })
    } else {
      if (announcedWith !== undefined) changes.removeNetworks.push(address)
      if (isPresent) changes.removeAddresses.push(address)
    }
  }
  return changes
}

/** Where changes are made, and what is known to be there. */
export interface ApplyTarget {
  bgpd: FrrDaemon
  ip: IpSession
  actual: ActualState
}

interface Run extends ApplyTarget {
  failures: Map<string, string>
}

/** Makes the changes, notes in `actual` what was done, and returns what was refused, by address. */
export async function applyChanges(changes: ChangeSet, target: ApplyTarget): Promise<Map<string, string>> {
  const run: Run = { ...target, failures: new Map() }
  await Promise.all([removeNetworks(changes, run), addAddresses(changes, run)])
  await Promise.all([addNetworks(changes, run), removeAddresses(changes, run)])
  return run.failures
}

async function addAddresses({ addAddresses }: ChangeSet, run: Run): Promise<void> {
  const operations = new Map(
    addAddresses.map((address) => [`addr replace ${addressArguments(address)}`, address]),
  )
  await runBatch(operations, run, (address) => run.actual.addresses.add(address))
}

async function removeAddresses({ removeAddresses }: ChangeSet, run: Run): Promise<void> {
  const safe = removeAddresses.filter((address) => !run.actual.networks.has(address))
  const operations = new Map(
    safe.map((address) => [`addr del ${withLength(address)} dev ${loopbackDevice}`, address]),
  )
  await runBatch(operations, run, (address) => run.actual.addresses.delete(address))
}

/**
 * A service address must not become the node's source address. For IPv4 the node's loopback comes first because it
 * was there first; for IPv6 the kernel would choose by likeness, so the address is marked deprecated for new flows.
 */
function addressArguments(address: string): string {
  const isIpv6 = address.includes(':')
  return `${withLength(address)} dev ${loopbackDevice}${isIpv6 ? ' nodad preferred_lft 0' : ''}`
}

function withLength(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`
}

async function runBatch(
  operations: Map<string, string>,
  { ip, failures }: Run,
  note: (address: string) => void,
): Promise<void> {
  const refused = new Map(
    (await ip.apply([...operations.keys()])).map(({ operation, reason }) => [operation, reason]),
  )
  for (const [operation, address] of operations) {
    const reason = refused.get(operation)
    // Somebody else was faster: what was wanted to go is gone.
    if (reason === undefined || /Address not found|Cannot assign requested address/.test(reason))
      note(address)
    else failures.set(address, `ip ${operation}: ${reason}`)
  }
}

async function removeNetworks({ removeNetworks }: ChangeSet, run: Run): Promise<void> {
  const statements = removeNetworks.map((address) => ({
    address,
    change: statement(run.actual, address, `no network ${withLength(address)}`),
  }))
  await configure(statements, run, (address) => run.actual.networks.delete(address))
}

async function addNetworks({ addNetworks }: ChangeSet, run: Run): Promise<void> {
  const routeMaps = new Map(addNetworks.map(({ address, routeMap }) => [address, routeMap]))
  const statements = addNetworks
    .filter(({ address }) => run.actual.addresses.has(address))
    .map(({ address, routeMap }) => ({
      address,
      change: statement(run.actual, address, `network ${withLength(address)} route-map ${routeMap}`),
    }))
  await configure(statements, run, (address) =>
    run.actual.networks.set(address, routeMaps.get(address) ?? ''),
  )
}

interface Statement {
  address: string
  change: ConfigChange
}

function statement(actual: ActualState, address: string, line: string): ConfigChange {
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  return { context: [actual.instance, `address-family ${family} unicast`], line }
}

/** All in one transaction; when one statement is refused, each on its own, so that it holds up no other. */
async function configure(statements: Statement[], run: Run, note: (address: string) => void): Promise<void> {
  if (statements.length === 0) return
  try {
    await run.bgpd.configure(statements.map(({ change }) => change))
    for (const { address } of statements) note(address)
  } catch (error) {
    if (!(error instanceof WeftError) || error.code !== 'WEFT_FRR_CONFIG_REFUSED') throw error
    const [only] = statements
    if (statements.length === 1 && only !== undefined) {
      run.failures.set(only.address, error.message)
      return
    }
    for (const single of statements) await configure([single], run, note)
  }
}
