import type { Diagnostic } from '../diagnostics/diagnostic.ts'

/** What planning can find wrong; each code is documented in docs/reference/errors.md. */
export const planCodes = {
  WEFT_PLAN_POOL_EXHAUSTED: 'An address pool is too small for the elements that need an address from it.',
  WEFT_PLAN_ASN_EXHAUSTED: 'The AS number pool is too small for the devices that need one.',
  WEFT_PLAN_PIN_CONFLICT: 'An override gives a number that another element was given by override too.',
  WEFT_PLAN_PIN_OUTSIDE: 'An override gives an address outside the pool it must come from.',
  WEFT_PLAN_NAME_CLASH: 'Two devices would have the same name.',
  WEFT_PLAN_SELECTOR_EMPTY: 'A selector of an override matches no device.',
  WEFT_PLAN_OVERRIDE_ROLE: 'An override sets something that the selected devices do not have.',
  WEFT_PLAN_PODS_UNCONNECTED: 'Several pods without super-spines have no path between them.',
  WEFT_PLAN_SPINES_PER_PLANE: 'The spines of a pod cannot be spread evenly over the planes.',
  WEFT_PLAN_BORDER_UNCONNECTED: 'Border leaves, DCI routers or edge routers have nothing to connect to.',
  WEFT_PLAN_VIP_OUTSIDE: 'A configured service address lies outside the service pools of its site.',
  WEFT_PLAN_NODE_ROUTES: 'Nodes of a site need every route though the intent asks for a default route only.',
  WEFT_PLAN_WIDTH: 'A device has more equal paths than maximumPaths lets it use.',
} as const

export type PlanCode = keyof typeof planCodes

export type Problem = Omit<Diagnostic, 'code' | 'severity'> & {
  code: PlanCode
  severity?: Diagnostic['severity']
}

/** Collects what is wrong, so that one run reports everything. */
export class Problems {
  readonly diagnostics: Diagnostic[] = []

  add(problem: Problem): void {
    this.diagnostics.push({ severity: 'error', ...problem })
  }
}
