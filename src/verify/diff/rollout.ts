/**
 * In which order a change is safe to apply, and what it costs where it cannot be done without resetting sessions.
 *
 * The rule behind the order: a receiver that accepts more than is sent changes nothing, a sender that sends more than is
 * accepted changes nothing. So filters open at the receivers first, then senders send; what goes is first no longer sent,
 * then no longer accepted. A session that has to reset takes its traffic with it, so its devices are drained first.
 */
import { diffPlans, type PlanDiff } from '../../plan/diff.ts'
import type { Plan, PrefixEntry, Session, SessionEnd } from '../../plan/model.ts'

export interface RolloutStep {
  what: 'accept' | 'add' | 'send' | 'reset' | 'withdraw' | 'close' | 'remove'
  /** In words. */
  title: string
  devices: string[]
}

interface FilterChange {
  opens: boolean
  closes: boolean
}

/** The steps from one plan to the other; none when nothing has to be applied. */
export function orderRollout(
  before: Plan,
  after: Plan,
  diff: PlanDiff = diffPlans(before, after),
): RolloutStep[] {
  const imports = new Map<string, FilterChange>()
  const exports = new Map<string, FilterChange>()
  const sessionsBefore = new Map(before.sessions.map((session) => [session.link, session]))
  const compare = comparer(before, after)
  for (const session of after.sessions) {
    const old = sessionsBefore.get(session.link)
    if (old === undefined) continue
    for (const side of ['a', 'b'] as const) {
      note(imports, session[side].device, compare.imports(old[side], session[side]))
      note(exports, session[side].device, compare.exports(old[side], session[side]))
    }
  }
  const resetting = diff.sessions.changed.filter(({ resets }) => resets).map(({ session }) => session)
  const of = (changes: ReadonlyMap<string, FilterChange>, kind: keyof FilterChange) =>
    [...changes].filter(([, change]) => change[kind]).map(([device]) => device)
  const steps: RolloutStep[] = [
    { what: 'accept', title: 'receivers accept what is new', devices: of(imports, 'opens') },
    {
      what: 'add',
      title: 'new devices, and the other ends of new sessions',
      devices: [...new Set([...diff.devices.added, ...endsOf(diff.sessions.added, after.sessions)])],
    },
    { what: 'send', title: 'senders send what is new', devices: of(exports, 'opens') },
    {
      what: 'reset',
      title: 'sessions that reset: drain one device, apply it, end the drain, then the next',
      devices: endsOf(resetting, after.sessions),
    },
    {
      what: 'withdraw',
      title: 'senders stop sending what goes; drain what is removed',
      devices: [...new Set([...of(exports, 'closes'), ...diff.devices.removed])],
    },
    { what: 'close', title: 'receivers accept no more than is sent', devices: of(imports, 'closes') },
    {
      what: 'remove',
      title: 'other ends of removed sessions',
      devices: endsOf(diff.sessions.removed, before.sessions).filter(
        (device) => !diff.devices.removed.includes(device),
      ),
    },
  ]
  return steps
    .filter(({ devices }) => devices.length > 0)
    .map((step) => ({ ...step, devices: step.devices.sort() }))
}

function note(changes: Map<string, FilterChange>, device: string, change: FilterChange): void {
  if (!change.opens && !change.closes) return
  const known = changes.get(device)
  changes.set(device, {
    opens: change.opens || (known?.opens ?? false),
    closes: change.closes || (known?.closes ?? false),
  })
}

function endsOf(links: readonly string[], sessions: readonly Session[]): string[] {
  const wanted = new Set(links)
  return [
    ...new Set(sessions.filter(({ link }) => wanted.has(link)).flatMap(({ a, b }) => [a.device, b.device])),
  ]
}

function comparer(before: Plan, after: Plan) {
  const known = new Map<string, FilterChange>()
  const policy = (old: string, now: string): FilterChange => {
    const key = `${old} ${now}`
    let change = known.get(key)
    if (change === undefined) {
      change = comparePolicies(before, after, old, now)
      known.set(key, change)
    }
    return change
  }
  return {
    exports: (old: SessionEnd, now: SessionEnd) => policy(old.export, now.export),
    imports: (old: SessionEnd, now: SessionEnd) =>
      both(policy(old.import, now.import), compareEntries(old.accept, now.accept), {
        opens:
          (now.maximumPrefixes ?? Number.POSITIVE_INFINITY) >
          (old.maximumPrefixes ?? Number.POSITIVE_INFINITY),
        closes:
          (now.maximumPrefixes ?? Number.POSITIVE_INFINITY) <
          (old.maximumPrefixes ?? Number.POSITIVE_INFINITY),
      }),
  }
}

/** Terms that differ may do either; sets that only grow open, sets that only shrink close. */
function comparePolicies(before: Plan, after: Plan, old: string, now: string): FilterChange {
  const [one, two] = [before.policies[old]!.terms, after.policies[now]!.terms]
  if (JSON.stringify(one) !== JSON.stringify(two)) return { opens: true, closes: true }
  return both(
    ...one.map(({ match, action }) => {
      if (match.prefixSet === undefined) return { opens: false, closes: false }
      const { opens, closes } = compareEntries(
        before.prefixSets[match.prefixSet]!.entries,
        after.prefixSets[match.prefixSet]!.entries,
      )
      return action === 'permit' ? { opens, closes } : { opens: closes, closes: opens }
    }),
  )
}

function compareEntries(
  old: readonly PrefixEntry[] | null,
  now: readonly PrefixEntry[] | null,
): FilterChange {
  if (old === null || now === null)
    return { opens: old !== null && now === null, closes: old === null && now !== null }
  const [was, is] = [new Set(old.map(keyOf)), new Set(now.map(keyOf))]
  return { opens: [...is].some((key) => !was.has(key)), closes: [...was].some((key) => !is.has(key)) }
}

function keyOf({ prefix, ge, le }: PrefixEntry): string {
  return `${prefix}>${ge ?? ''}<${le ?? ''}`
}

function both(...changes: readonly FilterChange[]): FilterChange {
  return { opens: changes.some(({ opens }) => opens), closes: changes.some(({ closes }) => closes) }
}
