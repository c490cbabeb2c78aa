/** Applies a plan's routing policies to one route, as FRR's route maps would. */
import { contains, type Prefix, parsePrefix } from '../../net/prefix.ts'
import type { Plan, PolicyMatch, PrefixEntry } from '../../plan/model.ts'

/** A route as policies see it. Communities are names of the plan, not numbers. */
export interface RouteAttributes {
  asPath: readonly number[]
  communities: ReadonlySet<string>
  localPreference: number
  /** Carries GRACEFUL_SHUTDOWN. */
  gracefulShutdown: boolean
  /** Times the sender puts its AS number in front once more; consumed when the route leaves. */
  prepend: number
}

/** A route without attributes, as `network` makes it. */
export const bareRoute: RouteAttributes = {
  asPath: [],
  communities: new Set(),
  localPreference: 100,
  gracefulShutdown: false,
  prepend: 0,
}

const evaluators = new WeakMap<Plan, Map<string, PolicyEvaluator>>()
/** So many prefixes are kept per plan: enough where one plan is simulated again and again, little in a large one. */
const kept = 20_000

/** The evaluator of a prefix, kept as long as its plan: hundreds of failures of one plan ask the same questions. */
export function evaluatorOf(plan: Plan, prefix: string): PolicyEvaluator {
  const ofPlan = evaluators.get(plan) ?? new Map<string, PolicyEvaluator>()
  evaluators.set(plan, ofPlan)
  const known = ofPlan.get(prefix)
  if (known !== undefined) return known
  if (ofPlan.size >= kept) ofPlan.clear()
  const evaluator = new PolicyEvaluator(plan, prefix)
  ofPlan.set(prefix, evaluator)
  return evaluator
}

/** Evaluates the policies of a plan for one prefix; what depends on the prefix alone is worked out once. */
export class PolicyEvaluator {
  readonly prefix: Prefix
  readonly #plan: Plan
  readonly #inSet = new Map<string, boolean>()

  constructor(plan: Plan, prefix: string) {
    this.#plan = plan
    this.prefix = parsePrefix(prefix)
  }

  /** The route as the policy lets it through, or null when it denies it. */
  apply(policy: string, route: RouteAttributes): RouteAttributes | null {
    const { terms } = this.#plan.policies[policy]!
    for (const term of terms) {
      if (!this.#matches(term.match, route)) continue
      if (term.action === 'deny') return null
      const { addCommunities, replaceCommunities, prepend, localPreference, gracefulShutdown } = term.set
      return {
        asPath: route.asPath,
        communities:
          addCommunities || replaceCommunities
            ? new Set([...(replaceCommunities ?? route.communities), ...(addCommunities ?? [])])
            : route.communities,
        localPreference: localPreference ?? route.localPreference,
        gracefulShutdown:
          gracefulShutdown === undefined ? route.gracefulShutdown : gracefulShutdown === 'add',
        prepend: prepend ?? 0,
      }
    }
    return null
  }

  /** Does some entry match the prefix? */
  accepts(entries: readonly PrefixEntry[]): boolean {
    return entries.some((entry) => entryMatches(entry, this.prefix))
  }

  #matches(match: PolicyMatch, route: RouteAttributes): boolean {
    if (match.local && route.asPath.length > 0) return false
    if (match.gracefulShutdown && !route.gracefulShutdown) return false
    if (match.localPreference !== undefined && match.localPreference !== route.localPreference) return false
    if (match.anyCommunity && !match.anyCommunity.some((name) => route.communities.has(name))) return false
    return match.prefixSet === undefined || this.#isInSet(match.prefixSet)
  }

  #isInSet(name: string): boolean {
    let result = this.#inSet.get(name)
    if (result === undefined) {
      result = this.accepts(this.#plan.prefixSets[name]!.entries)
      this.#inSet.set(name, result)
    }
    return result
  }
}

function entryMatches(entry: PrefixEntry, prefix: Prefix): boolean {
  const outer = parsePrefix(entry.prefix)
  if (!contains(outer, prefix)) return false
  if (entry.ge === undefined && entry.le === undefined) return prefix.length === outer.length
  return prefix.length >= (entry.ge ?? outer.length) && prefix.length <= (entry.le ?? 128)
}
