/** Every check, in the order in which they are shown. The reference is docs/reference/checks.md. */
import { asPrivateOutside, asPublicInside, asReserved } from './as-numbers.ts'
import { bfdMissing, bfdNervous, bfdOverload, detectionSlow } from './bfd.ts'
import { capacityExhausted } from './capacity.ts'
import type { Check } from './check.ts'
import { anycastWide, ecmpNarrow, multipathBuild } from './ecmp.ts'
import { frrVersionTrap } from './frr-releases.ts'
import { hashCoarse, hashPolarisation } from './hash.ts'
import { addressDuplicate } from './identity.ts'
import { maximumPrefixSmall } from './maximum-prefix.ts'
import { drainSaved, gtsmOff, peerUnprotected, policyMissing, policyOpen } from './policies.ts'
import { controlPlaneOneRack, singleExit, singleHomed, vipSingle } from './redundancy.ts'
import { asLoop, filtersDisagree, prefixUnaccepted, routeMissing } from './route-filters.ts'
import { aggregateBlackhole, scopeLeak, siteWithoutDefault } from './route-scopes.ts'
import { familyMissing, sessionCannotForm, sessionMissing } from './sessions.ts'
import { nodeTableLarge } from './tables.ts'
import { timerConflict } from './timers.ts'

export const checks: readonly Check[] = [
  sessionCannotForm,
  sessionMissing,
  familyMissing,
  addressDuplicate,
  capacityExhausted,
  policyMissing,
  policyOpen,
  filtersDisagree,
  prefixUnaccepted,
  routeMissing,
  aggregateBlackhole,
  scopeLeak,
  asLoop,
  asReserved,
  asPublicInside,
  asPrivateOutside,
  maximumPrefixSmall,
  siteWithoutDefault,
  ecmpNarrow,
  anycastWide,
  multipathBuild,
  hashPolarisation,
  hashCoarse,
  bfdMissing,
  bfdOverload,
  bfdNervous,
  detectionSlow,
  timerConflict,
  singleHomed,
  singleExit,
  vipSingle,
  controlPlaneOneRack,
  nodeTableLarge,
  drainSaved,
  peerUnprotected,
  gtsmOff,
  frrVersionTrap,
]
