import type { Plan } from '../plan/model.ts'
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
