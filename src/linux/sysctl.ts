import { inNamespace } from './namespace.ts'
import { run } from './run.ts'

/** Sets kernel parameters in one process; the keys are written with dots, as sysctl prints them. */
export async function applySysctls(
  values: Readonly<Record<string, string | number>>,
  options: { namespace?: string } = {},
): Promise<void> {
  const assignments = Object.entries(values).map(([key, value]) => `${key}=${value}`)
  if (assignments.length === 0) return
  await run(inNamespace(options.namespace, ['sysctl', '--quiet', '--write', ...assignments]))
}
