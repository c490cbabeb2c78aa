/**
 * The verdict over a plan: what the checks found, whether the expectations hold, and what nobody looked at.
 *
 * `violated` when an error was found or an expectation does not hold; `undecided` when nothing of that, but something
 * could not be judged; `ok` only when everything was. A report says what it looked at, so that green is never green for
 * want of looking.
 */
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { type Check, type Finding, FindingCollector, type Severity } from './checks/check.ts'
import { openContext, type VerifyContext, type VerifyInput } from './checks/context.ts'
import { policyMissing } from './checks/policies.ts'
import { checks as everyCheck } from './checks/registry.ts'
import { findContradictions } from './expect/contradictions.ts'
import type { Covering } from './expect/forwarding.ts'
import { type Judgement, judgeExpectations, type SurviveJudge } from './expect/judge.ts'
import { judgeSurvive } from './failures/survive.ts'
import { type Coverage, visitSpreads } from './routes/spreads.ts'

export type Verdict = 'ok' | 'violated' | 'undecided'

export interface VerifyReport {
  verdict: Verdict
  /** Name of the network. */
  name: string
  devices: number
  sessions: number
  checks: Check[]
  findings: Finding[]
  judgements: Judgement[]
  /** Null when routes could not be carried, or nobody asked for what they say. */
  coverage: Coverage | null
  /** What was not judged, and why. */
  undecided: string[]
}

export interface VerifyOptions {
  /** Checks to run; all when left out. */
  checks?: readonly Check[]
  expectations?: boolean
  /** Warnings make the verdict `violated` as well. */
  strict?: boolean
  /** Plays failures through; a test may have an answer of its own. */
  judgeSurvive?: SurviveJudge
  /** What was said about the intent while it was read and planned. */
  warnings?: readonly Diagnostic[]
}

/** Said by a check as well, with more of the plan in view. */
const saidByCheck = new Set(['WEFT_PLAN_WIDTH'])

/** Judges a plan. Problems of the expectations themselves come back instead of a report: then there is no verdict. */
export function verifyPlan(
  input: VerifyInput,
  options: VerifyOptions = {},
): { report: VerifyReport | null; problems: Diagnostic[] } {
  const context = openContext(input)
  const {
    checks = everyCheck,
    expectations = true,
    strict = false,
    judgeSurvive = byPlayingFailures,
  } = options
  const problems = expectations ? findContradictions(context) : []
  if (problems.length > 0) return { report: null, problems }

  const collector = new FindingCollector(context.locate)
  for (const check of checks) if (check.find) collector.add(check, check.find(context))
  const { coverage, shared, undecided } = carryRoutes(context, checks, expectations, collector)
  const judgements = expectations && shared !== null ? judgeExpectations(context, shared, judgeSurvive) : []
  const findings = [...collector.findings(), ...(options.warnings ?? []).flatMap(asFinding)]
  const { plan } = context
  return {
    problems,
    report: {
      verdict: verdictOf(findings, judgements, undecided, strict),
      name: plan.name,
      devices: plan.devices.length,
      sessions: plan.sessions.length,
      checks: [...checks],
      findings,
      judgements,
      coverage,
      undecided: [
        ...undecided,
        ...judgements
          .filter(({ verdict }) => verdict === 'undecided')
          .map(({ statement, message }) => `${statement}: ${message}`),
      ],
    },
  }
}

const byPlayingFailures: SurviveJudge = ({ plan }, expectation) => judgeSurvive(plan, expectation)

/** Carries routes through the plan when a check or an expectation wants to know where they are. */
function carryRoutes(
  context: VerifyContext,
  checks: readonly Check[],
  expectations: boolean,
  collector: FindingCollector,
): { coverage: Coverage | null; shared: Covering[] | null; undecided: string[] } {
  const onRoutes = checks.filter((check) => check.findOnRoute)
  const isAsked = onRoutes.length > 0 || (expectations && context.plan.expect.length > 0)
  if (!isAsked) return { coverage: null, shared: null, undecided: [] }
  const missing = [...policyMissing.find!(context)].find(
    ({ like }) => !Object.hasOwn(context.plan.policies, like),
  )
  if (missing !== undefined) {
    return { coverage: null, shared: null, undecided: [`routes and expectations: ${missing.message}`] }
  }
  const shared: Covering[] = []
  const coverage = visitSpreads(context.routed, context.isExact, (spread) => {
    if (spread.kind === 'aggregate' || spread.kind === 'external') {
      shared.push({ prefix: spread.prefix, selections: spread.selections })
    }
    for (const check of onRoutes) collector.add(check, check.findOnRoute!(spread, context))
  })
  return { coverage, shared, undecided: [] }
}

function asFinding({ code, severity, message, path, at, hint }: Diagnostic): Finding[] {
  if (saidByCheck.has(code)) return []
  const title = 'Said while the intent was read and planned'
  return [
    {
      check: code,
      severity,
      title,
      message,
      devices: [],
      others: 0,
      path: path ?? '',
      at: at ?? null,
      mend: hint ?? '',
    },
  ]
}

function verdictOf(
  findings: readonly Finding[],
  judgements: readonly Judgement[],
  undecided: readonly string[],
  strict: boolean,
): Verdict {
  const fatal: Severity[] = strict ? ['error', 'warning'] : ['error']
  const isViolated =
    findings.some(({ severity }) => fatal.includes(severity)) ||
    judgements.some(({ verdict }) => verdict === 'violated')
  if (isViolated) return 'violated'
  const isOpen = undecided.length > 0 || judgements.some(({ verdict }) => verdict === 'undecided')
  return isOpen ? 'undecided' : 'ok'
}
