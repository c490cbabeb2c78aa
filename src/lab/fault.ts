import { WeftError } from '../diagnostics/error.ts'
import { applyIpBatch } from '../linux/ip-batch.ts'
import { findPids } from '../linux/namespace.ts'
import { applyNft } from '../linux/nft.ts'
import type { Link } from '../plan/model.ts'
import { namespaceOf } from './names.ts'
import { type Fault, type LabState, requireState, writeState } from './state.ts'

/*
 * Breaks things in a running lab, and mends them.
 *
 * A silent cut is what a broken transceiver or a switch gone mad looks like: carrier stays, and nothing arrives. It is
 * done at ingress of both ends, before anything of the receiver's sees the packet. Every fault is written to the
 * lab's state before it takes effect, so that `status` names it and `heal` knows it.
 */

/** Finds a link by its id, or by its two devices in either order. */
function requireLink(state: LabState, name: string): Link {
  const { links } = state.plan
  const found =
    links.find((link) => link.id === name) ??
    links.find((link) => `${link.b.device}--${link.a.device}` === name)
  if (found !== undefined) return found
  const near = links.filter(({ id }) => name.split('--').some((part) => id.includes(part))).slice(0, 4)
  throw new WeftError('WEFT_LAB_LINK_UNKNOWN', `lab "${state.name}" has no link "${name}"`, {
    hint:
      near.length > 0
        ? `did you mean ${near.map(({ id }) => id).join(', ')}?`
        : `links are named <device>--<device>, such as ${links[0]?.id}`,
    exitCode: 2,
  })
}

/** Drops everything that arrives at either end of a link; carrier stays up. */
export async function cutSilently(lab: string, link: string): Promise<void> {
  const state = await requireState(lab)
  const found = requireLink(state, link)
  await remember(state, { kind: 'silent', link: found.id })
  await dropIngress(state, [found])
}

/** Unplugs a link: both ends lose their carrier. */
export async function carrierDown(lab: string, link: string): Promise<void> {
  const state = await requireState(lab)
  const found = requireLink(state, link)
  await remember(state, { kind: 'carrier', link: found.id })
  await setAdministrative(state, found, 'down')
}

/** Ends what `cutSilently` or `carrierDown` did to a link. */
export async function healLink(lab: string, link: string): Promise<void> {
  const state = await requireState(lab)
  const found = requireLink(state, link)
  // Adding first makes deleting a table that is not there harmless.
  for (const end of [found.a, found.b])
    await applyNft(
      `add table netdev ${tableOf(end.interface)}\ndelete table netdev ${tableOf(end.interface)}\n`,
      {
        namespace: namespaceOf(state.name, end.device),
      },
    )
  await setAdministrative(state, found, 'up')
  state.faults = state.faults.filter((fault) => !('link' in fault) || fault.link !== found.id)
  await writeState(state)
}

/** Kills a device as a power failure does: its links fall silent, then every process in it dies. */
export async function killNode(lab: string, device: string): Promise<void> {
  const state = await requireState(lab)
  const links = state.plan.links.filter(({ a, b }) => a.device === device || b.device === device)
  if (links.length === 0)
    throw new WeftError('WEFT_LAB_DEVICE_UNKNOWN', `lab "${lab}" has no device "${device}"`, { exitCode: 2 })
  await remember(state, { kind: 'node-killed', device })
  await dropIngress(state, links)
  const namespace = namespaceOf(lab, device)
  for (const pid of (await findPids([namespace])).get(namespace) ?? []) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

async function remember(state: LabState, fault: Fault): Promise<void> {
  state.faults.push(fault)
  await writeState(state)
}

/** The peers' ends first: from then on nobody hears from the device, whatever it still sends. */
async function dropIngress(state: LabState, links: readonly Link[]): Promise<void> {
  const ends = links.flatMap(({ a, b }) => [a, b])
  await Promise.all(
    ends.map(({ device, interface: name }) =>
      applyNft(
        [
          `table netdev ${tableOf(name)} {`,
          `chain cut {`,
          `type filter hook ingress device "${name}" priority -500; policy drop;`,
          '}',
          '}',
          '',
        ].join('\n'),
        { namespace: namespaceOf(state.name, device) },
      ),
    ),
  )
}

async function setAdministrative(state: LabState, link: Link, to: 'up' | 'down'): Promise<void> {
  for (const { device, interface: name } of [link.a, link.b])
    await applyIpBatch([`link set ${name} ${to}`], { namespace: namespaceOf(state.name, device) })
}

function tableOf(interfaceName: string): string {
  return `weft_cut_${interfaceName.replace(/[^A-Za-z0-9_]/g, '_')}`
}
