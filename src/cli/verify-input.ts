import { WeftError } from '../diagnostics/error.ts'
import type { Scope } from '../intent/model.ts'
import { findNearest } from '../intent/nearest.ts'
import { parseAddress } from '../net/address.ts'
import { formatPrefix, hostPrefix } from '../net/prefix.ts'
import type { Plan } from '../plan/model.ts'
import { type Announcement, announceServices } from '../verify/failures/announce.ts'
import { isPlanText, readPlan } from '../verify/plan-file.ts'
import { readText } from './files.ts'
import { type Output, settleDiagnostics } from './output.ts'
import { loadProject } from './project.ts'

/** The plan of a file: an intent, which is planned with its lock, or a plan as `weft plan -o json` writes it. */
export async function readPlanOf(file: string, output: Output): Promise<Plan> {
  const text = await readText(file, 'name the file, or write a starter with: weft init')
  if (!isPlanText(text)) return (await loadProject(file, output)).plan
  const { plan, diagnostics } = readPlan(text, file)
  settleDiagnostics(diagnostics, file, output)
  if (plan === null) throw new Error(`${file} gave neither a plan nor an error`)
  return plan
}

/** Value of `--announce`, once for every address. */
export function collectAnnouncements(text: string, previous: Announcement[] = []): Announcement[] {
  const [, address = '', node = '', scope] = /^([^@]+)@([^:]+)(?::(rack|site|global|edge))?$/.exec(text) ?? []
  const parsed = parseAddress(address)
  if (parsed === null) {
    throw new WeftError('WEFT_USAGE', `"${text}" is no announcement`, {
      hint: 'such as 10.10.21.5@dc1-compute1-n1, or with a scope: 10.10.21.5@dc1-compute1-n1:site',
      exitCode: 2,
    })
  }
  return [...previous, { prefix: formatPrefix(hostPrefix(parsed)), node, scope: (scope as Scope) ?? null }]
}

/** The plan with service addresses as agents would announce them. */
export function withAnnouncements(plan: Plan, announcements: readonly Announcement[] = []): Plan {
  const nodes = plan.devices.filter(({ role }) => role === 'node').map(({ name }) => name)
  for (const { node } of announcements) {
    if (nodes.includes(node)) continue
    const nearest = findNearest(node, nodes)
    throw new WeftError('WEFT_DEVICE_UNKNOWN', `there is no node "${node}"`, {
      hint: nearest === null ? 'weft plan --show devices lists them' : `did you mean ${nearest}?`,
      exitCode: 2,
    })
  }
  return announcements.length === 0 ? plan : announceServices(plan, announcements)
}
