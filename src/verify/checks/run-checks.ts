/** Runs checks over a plan. */
import { type Coverage, visitSpreads } from '../routes/spreads.ts'
import { type Check, type Finding, FindingCollector } from './check.ts'
import type { VerifyContext } from './context.ts'
import { policyMissing } from './policies.ts'

export interface Checked {
  findings: Finding[]
  /** Null when no check looked at routes. */
  coverage: Coverage | null
}

/** What the checks find in the plan. */
export function runChecks(context: VerifyContext, checks: readonly Check[]): Checked {
  const collector = new FindingCollector(context.locate)
  for (const check of checks) if (check.find) collector.add(check, check.find(context))
  const onRoutes = checks.filter((check) => check.findOnRoute)
  // Routes cannot be carried through policies that do not exist.
  const isBroken = [...policyMissing.find!(context)].some(({ like }) => !(like in context.plan.policies))
  if (onRoutes.length === 0 || isBroken) return { findings: collector.findings(), coverage: null }
  const coverage = visitSpreads(context.network, (spread) => {
    for (const check of onRoutes) collector.add(check, check.findOnRoute!(spread, context))
  })
  return { findings: collector.findings(), coverage }
}
