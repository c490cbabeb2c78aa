/**
 * What users and routers notice of the step from one plan to another once it is done.
 *
 * Both plans are carried through side by side and compared by the names of devices and the text of prefixes. Prefixes are
 * told by class: exchanges that are symmetries of both plans, and exchange the same prefixes in both.
 */
import type { FailureAnalyst } from '../failures/analysis.ts'
import { SteadyState } from '../failures/steady-state.ts'
import { describePrefix, type NarrowGroup, type PairGroup, Tally } from '../failures/tally.ts'
import { stage } from '../symmetry/prefix-universe.ts'
import { SwapProver } from '../symmetry/proof.ts'
import { prefixClasses } from '../symmetry/symmetry.ts'

export interface RouteChanges {
  lost: PairGroup[]
  gained: PairGroup[]
  narrower: NarrowGroup[]
  wider: NarrowGroup[]
  /** As wide as before, over other neighbours. */
  moved: PairGroup[]
  /** Prefixes that both plans have. */
  prefixes: number
  classes: number
}

/** Compares what every device that both plans have does with every prefix that both have. */
export function compareRoutes(before: FailureAnalyst, after: FailureAnalyst): RouteChanges {
  const [old, now] = [steady(before), steady(after)]
  const oldDevice = after.network.devices.map(({ name }) => before.network.indexOf.get(name) ?? -1)
  const oldPrefix = new Map(before.universe.texts.map((text, id) => [keyOf(before, id, text), id]))
  const [worse, better, moved] = [new Tally(), new Tally(), new Tally()]
  const classes = prefixClasses(after.symmetry, after.universe.texts.length, notShared(before, after))
  const result = { prefixes: 0, classes: 0 }
  for (const [prefix, size] of classes) {
    const text = after.universe.texts[prefix]!
    const known = oldPrefix.get(keyOf(after, prefix, text))
    if (known === undefined) continue
    result.prefixes += size
    result.classes++
    old.load(known)
    now.load(prefix)
    const isAggregate = after.universe.stageOf[prefix] === stage.aggregate
    const owner = after.universe.origins[prefix]![0]?.device ?? -1
    const destination = describePrefix(text, isAggregate, after.network.devices[owner])
    for (const [device, { name, role }] of after.network.devices.entries()) {
      const was = oldDevice[device]!
      if (was < 0) continue
      const group = { destination, from: role, example: { from: name, to: text }, isPartial: false }
      if (!isAggregate && old.arrives(was) !== now.arrives(device)) {
        ;(now.arrives(device) ? better : worse).addLost(group, size)
      }
      const [wide, wideNow] = [old.engine.widthOf(was), now.engine.widthOf(device)]
      if (wide === 0 || wideNow === 0) continue
      if (wideNow < wide) worse.addNarrowed({ ...group, before: wide, after: wideNow }, size)
      else if (wideNow > wide) better.addNarrowed({ ...group, before: wide, after: wideNow }, size)
      else if (neighbours(before, old, was) !== neighbours(after, now, device)) moved.addLost(group, size)
    }
  }
  for (const tally of [worse, better, moved]) tally.sort()
  return {
    lost: worse.lost,
    gained: better.lost,
    narrower: worse.narrowed,
    wider: better.narrowed,
    moved: moved.lost,
    ...result,
  }
}

function steady({ network, universe, symmetry }: FailureAnalyst): SteadyState {
  return new SteadyState(network, universe, symmetry)
}

function keyOf({ universe }: FailureAnalyst, prefix: number, text: string): string {
  return universe.stageOf[prefix] === stage.aggregate ? `${text} aggregate` : text
}

function neighbours({ network }: FailureAnalyst, { engine }: SteadyState, device: number): string {
  return engine
    .nextHopsOf(device)
    .map((edge) => network.devices[network.from[edge]!]!.name)
    .sort()
    .join()
}

/** Symmetries of the later plan that are none of the earlier one, or exchange other prefixes there. */
function notShared(before: FailureAnalyst, after: FailureAnalyst): Set<number> {
  const prover = new SwapProver(before.network, before.universe)
  const missing = new Set<number>()
  for (const [index, { devices, prefixes }] of after.symmetry.swaps.entries()) {
    const pairs = devices.map(
      (device) => before.network.indexOf.get(after.network.devices[device]!.name) ?? -1,
    )
    const texts = new Set<string>()
    for (let at = 0; at < prefixes.length; at += 2)
      texts.add(pairText(after.universe.texts, prefixes[at]!, prefixes[at + 1]!))
    const isShared = !pairs.includes(-1) && prover.prove({ pairs }) && exchangesExactly(texts, pairs)
    if (!isShared) missing.add(index)
  }
  return missing

  function exchangesExactly(texts: ReadonlySet<string>, pairs: Int32Array): boolean {
    const found = prover.prefixPairs({ pairs })
    const seen = new Set<string>()
    for (let at = 0; at < found.length; at += 2)
      seen.add(pairText(before.universe.texts, found[at]!, found[at + 1]!))
    return seen.size === texts.size && [...seen].every((text) => texts.has(text))
  }
}

function pairText(texts: readonly string[], one: number, other: number): string {
  return [texts[one], texts[other]].sort().join(' ')
}
