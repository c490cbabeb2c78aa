import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { type ApplyResult, applyPlan } from '../lab/apply/apply.ts'
import { keptLockPath } from '../lab/names.ts'
import { onlyLab } from '../lab/state.ts'
import { readText } from './files.ts'
import { showLabProgress } from './lab-progress.ts'
import { type Output, openOutput, paint } from './output.ts'
import { besides, loadProject, type Project, planText } from './project.ts'

/** `weft lab apply`. */
export function labApplyCommand(): Command {
  return new Command('apply')
    .description(
      'Makes a running lab what a changed intent says, and touches nothing else: sessions that the change does not reset ' +
        'stay up. With --dry-run exits with 1 when something differs.',
    )
    .argument('[file]', 'the intent', 'weft.yaml')
    .option('--dry-run', 'only print what would change')
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .addHelpText(
      'after',
      `
Examples:
  weft lab apply --dry-run       what an edit of weft.yaml would do to the lab
  weft lab apply                 do it, and wait until the lab is as planned`,
    )
    .action(async (file: string, options: { dryRun?: boolean; name?: string }, command: Command) => {
      const output = openOutput(command)
      const lab = options.name ?? (await onlyLab())
      const { plan } = await loadForLab(lab, file, output)
      const progress = showLabProgress()
      try {
        const result = await applyPlan(lab, plan, {
          dryRun: options.dryRun === true,
          onProgress: progress.show,
        })
        progress.clear()
        if (output.format === 'json') output.printJson({ lab, ...result })
        else printResult(lab, result, output)
        if (options.dryRun && isSomething(result)) process.exitCode = 1
      } finally {
        progress.clear()
      }
    })
}

/** Where the lock beside the intent has not been written yet, the lab knows the numbers that it was given. */
async function loadForLab(lab: string, file: string, output: Output): Promise<Project> {
  const lockFile = besides(file, '.lock')
  const kept = keptLockPath(lab)
  if (existsSync(lockFile) || !existsSync(kept)) return await loadProject(file, output)
  const text = await readText(file, 'name the file, or write a starter with: weft init')
  return await planText({ file, text, lockFile, lockText: await readFile(kept, 'utf8') }, output)
}

function isSomething({ change, clusters }: ApplyResult): boolean {
  const { added, removed, kept, cables } = change
  return (
    added.length + removed.length + kept.length + cables.added.length + cables.removed.length > 0 ||
    Object.values(clusters).some((names) => names.length > 0)
  )
}

function printResult(lab: string, result: ApplyResult, output: Output): void {
  const { change, clusters, notes, times } = result
  const { added, removed, kept, cables, sessions } = change
  for (const { device } of added) output.print(paint(output, 'green', `+ device ${device}`))
  for (const device of removed) output.print(paint(output, 'red', `- device ${device}`))
  for (const [a, b] of cables.added)
    output.print(paint(output, 'green', `+ cable ${a.device} ${a.interface} -- ${b.device} ${b.interface}`))
  for (const [a, b] of cables.removed)
    output.print(paint(output, 'red', `- cable ${a.device} ${a.interface} -- ${b.device} ${b.interface}`))
  for (const { setup, lines, sysctls, ports } of kept) {
    for (const { daemon, changes } of lines) {
      output.print(`~ ${setup.device} ${daemon}`)
      for (const { context, line } of changes) output.print(`    ${[...context, line].join(' / ')}`)
    }
    // Those of new ports are not news.
    const isOld = (key: string) => !ports.some((name) => key.includes(`.${name}.`))
    for (const [key, value] of Object.entries(sysctls).filter(([key]) => isOld(key)))
      output.print(`~ ${setup.device} ${key} = ${value}`)
  }
  for (const node of clusters.startedNodes) output.print(`+ node ${node}: runtime and agent start`)
  for (const name of clusters.restarted) output.print(`~ ${name} starts again with other settings`)
  for (const node of clusters.removedNodes) output.print(`- node ${node} leaves its cluster`)
  for (const note of notes) output.note(`note: ${note}`)
  if (!isSomething(result)) output.print(`lab "${lab}" is what the intent says; nothing to do`)
  else
    output.print(
      `sessions: ${sessions.kept} untouched, ${sessions.added.length} new, ${sessions.removed.length} gone, ${sessions.reset.length} reset`,
    )
  if (times !== null && isSomething(result))
    output.print(
      `applied after ${(times.appliedMs / 1000).toFixed(1)} s, as planned after ${(times.convergedMs / 1000).toFixed(1)} s`,
    )
}
