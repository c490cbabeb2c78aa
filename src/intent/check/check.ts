import type { Intent } from '../model.ts'
import { checkAddresses } from './addresses.ts'
import type { CheckContext } from './context.ts'
import { checkExpectations } from './expectations.ts'
import { checkNames } from './names.ts'
import { checkOverlaps } from './overlaps.ts'
import { checkPeers } from './peers.ts'
import { checkReferences } from './references.ts'
import { checkSites } from './sites.ts'

/**
 * Reports what contradicts something else in the file.
 *
 * Only what the file alone decides is judged here; what needs devices and numbers is the planner's.
 */
export function checkIntent(intent: Intent, context: CheckContext): void {
  checkNames(intent, context)
  checkAddresses(intent, context)
  checkOverlaps(intent, context)
  checkSites(intent, context)
  checkPeers(intent, context)
  checkReferences(intent, context)
  checkExpectations(intent, context)
}
