import { WeftError } from '../diagnostics/error.ts'
import type { ConfigChange } from '../frr/config-transaction.ts'
import type { FrrDaemon } from '../frr/daemon.ts'
import { tryIpBatch } from '../linux/ip-batch.ts'
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

export interface ApplyOutcome {
  /** Addresses with an operation that was refused, and why. */
  failures: Map<string, string>
}

/** The route map of the base configuration that gives an announcement its scope. */
export function routeMapOf(decision: Announce): string {
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

/** Makes the changes and notes in `actual` what was done. */
export async function applyChanges(
  changes: ChangeSet,
  bgpd: FrrDaemon,
  actual: ActualState,
): Promise<ApplyOutcome> {
  const failures = new Map<string, string>()
  await Promise.all([
    removeNetworks(changes, bgpd, actual, failures),
    addAddresses(changes, actual, failures),
  ])
  await Promise.all([
    addNetworks(changes, bgpd, actual, failures),
    removeAddresses(changes, actual, failures),
  ])
  return { failures }
}

async function addAddresses(
  { addAddresses }: ChangeSet,
  actual: ActualState,
  failures: Map<string, string>,
): Promise<void> {
  const operations = new Map(
    addAddresses.map((address) => [`addr replace ${addressArguments(address)}`, address]),
  )
  await runBatch(operations, failures, (address) => actual.addresses.add(address))
}

async function removeAddresses(
  { removeAddresses }: ChangeSet,
  actual: ActualState,
  failures: Map<string, string>,
): Promise<void> {
  const safe = removeAddresses.filter((address) => !actual.networks.has(address))
  const operations = new Map(
    safe.map((address) => [`addr del ${withLength(address)} dev ${loopbackDevice}`, address]),
  )
  await runBatch(operations, failures, (address) => actual.addresses.delete(address))
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
  failures: Map<string, string>,
  note: (address: string) => void,
): Promise<void> {
  const refused = new Map(
    (await tryIpBatch([...operations.keys()])).map(({ operation, reason }) => [operation, reason]),
  )
  for (const [operation, address] of operations) {
    const reason = refused.get(operation)
    // Somebody else was faster: what was wanted is there.
    if (reason === undefined || /Cannot assign requested address/.test(reason)) note(address)
    else failures.set(address, `ip ${operation}: ${reason}`)
  }
}

async function removeNetworks(
  { removeNetworks }: ChangeSet,
  bgpd: FrrDaemon,
  actual: ActualState,
  failures: Map<string, string>,
): Promise<void> {
  const statements = removeNetworks.map((address) => ({
    address,
    change: statement(actual, address, `no network ${withLength(address)}`),
  }))
  await configure(bgpd, statements, failures, (address) => actual.networks.delete(address))
}

async function addNetworks(
  { addNetworks }: ChangeSet,
  bgpd: FrrDaemon,
  actual: ActualState,
  failures: Map<string, string>,
): Promise<void> {
  const routeMaps = new Map(addNetworks.map(({ address, routeMap }) => [address, routeMap]))
  const statements = addNetworks
    .filter(({ address }) => actual.addresses.has(address))
    .map(({ address, routeMap }) => ({
      address,
      change: statement(actual, address, `network ${withLength(address)} route-map ${routeMap}`),
    }))
  await configure(bgpd, statements, failures, (address) =>
    actual.networks.set(address, routeMaps.get(address) ?? ''),
  )
}

function statement(actual: ActualState, address: string, line: string): ConfigChange {
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  return { context: [actual.instance, `address-family ${family} unicast`], line }
}

/** All in one transaction; when one statement is refused, each on its own, so that it holds up no other. */
async function configure(
  bgpd: FrrDaemon,
  statements: { address: string; change: ConfigChange }[],
  failures: Map<string, string>,
  note: (address: string) => void,
): Promise<void> {
  if (statements.length === 0) return
  try {
    await bgpd.configure(statements.map(({ change }) => change))
    for (const { address } of statements) note(address)
  } catch (error) {
    if (!(error instanceof WeftError) || error.code !== 'WEFT_FRR_CONFIG_REFUSED') throw error
    const [only] = statements
    if (statements.length === 1 && only !== undefined) {
      failures.set(only.address, error.message)
      return
    }
    for (const single of statements) await configure(bgpd, [single], failures, note)
  }
}
