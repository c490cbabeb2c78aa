import type { DryRun } from './dry-run.ts'
import type { Step } from './record.ts'

/** A dry run as text that can be pasted: vtysh, ip -batch and nft -f take these lines as they are. */
export function printDryRun({ node, steps, announced, withheld }: DryRun): string {
  const reasons = Object.entries(withheld).map(([code, number]) => `${number} ${code}`)
  const summary = [
    `${node}: ${announced} ${announced === 1 ? 'address' : 'addresses'} to announce`,
    ...(reasons.length === 0 ? [] : [`withheld: ${reasons.join(', ')}`]),
  ].join('; ')
  if (steps.length === 0) return `${summary}\nnothing to do: FRR and the kernel hold what they should\n`
  const lines: string[] = [summary]
  let place = ''
  for (const step of steps) {
    const here = placeOf(step)
    if (here !== place) lines.push('', here)
    place = here
    lines.push(`  ${step.line}`)
  }
  return `${lines.join('\n')}\n\n${steps.length} ${steps.length === 1 ? 'step' : 'steps'}; nothing was changed\n`
}

function placeOf(step: Step): string {
  if (step.to === 'bgpd') return ['bgpd', ...step.context].join(' / ')
  return step.to === 'ip' ? 'ip -batch' : 'nft -f'
}
