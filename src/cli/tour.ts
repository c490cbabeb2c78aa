import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import { loadIntent } from '../intent/load.ts'
import { kubeconfigPath } from '../lab/cluster.ts'
import { takeDown } from '../lab/teardown.ts'
import { bringUp, type UpResult } from '../lab/up.ts'
import { formatAddress } from '../net/address.ts'
import { addressAt, parsePrefix } from '../net/prefix.ts'
import { emptyLock } from '../plan/lock.ts'
import type { Plan } from '../plan/model.ts'
import { planFabric } from '../plan/plan-fabric.ts'
import { readText } from './files.ts'
import { showLabProgress } from './lab-progress.ts'
import { type Output, openOutput, settleDiagnostics } from './output.ts'
import { formatSummary } from './plan-tables.ts'
import { formatTable } from './table.ts'
import { type Finding, Narrator, seconds } from './tour/narrator.ts'
import { Story } from './tour/story.ts'

const example = fileURLToPath(new URL('../../examples/two-sites/weft.yaml', import.meta.url))
/** Which address of the global pool the tour's Service gets. */
const addressNumber = 10

interface TourOptions {
  stay?: boolean
  name: string
}

/** `weft tour`, the main job of `npm start`. */
export function tourCommand(): Command {
  return new Command('tour')
    .description(
      'Starts two datacenters of real routers on this machine, runs a Kubernetes Service across them, breaks things and ' +
        'measures what a client outside notices. Takes about a minute; exits with 1 when something did not hold.',
    )
    .option('--stay', 'leave the fabric running at the end, before anything is killed, and say what to try')
    .option('--name <lab>', 'name of the lab', 'tour')
    .addHelpText(
      'after',
      `
Examples:
  weft tour                    all chapters, then clean up
  weft tour --stay             keep the lab to play with`,
    )
    .action(async (options: TourOptions, command: Command) => {
      const output = openOutput(command)
      const isGood = await giveTour(options, output)
      if (!isGood) process.exitCode = 1
    })
}

async function giveTour({ name, stay = false }: TourOptions, output: Output): Promise<boolean> {
  const narrator = new Narrator(output)
  const started = performance.now()
  const plan = await planExample(output)
  const stopper = new AbortController()
  const stop = (signal: NodeJS.Signals) => {
    output.note(`\n${signal}: taking down the lab`)
    process.exitCode = signal === 'SIGINT' ? 130 : 143
    stopper.abort(new WeftError('WEFT_TOUR_STOPPED', 'the tour was stopped'))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    narrator.chapter('From one file to a running fabric')
    narrator.say(`examples/two-sites/weft.yaml → ${formatSummary(plan)}`)
    const up = await bringUpExample(plan, name, stopper.signal)
    tellUp(up, narrator)
    try {
      await unlessStopped(stopper.signal, tellStory(up, plan, stay, narrator))
    } finally {
      if (!stay || stopper.signal.aborted) await takeDown(name)
    }
  } catch (error) {
    if (!stopper.signal.aborted) throw error
    return false
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
  summarize(narrator.findings, performance.now() - started, output)
  if (stay) sayWhatToTry(name, output)
  return narrator.findings.every((finding) => finding.isGood)
}

/** The example as it is: the tour writes no lock, so it can run from a read-only checkout. */
async function planExample(output: Output): Promise<Plan> {
  const text = await readText(example, 'the example belongs to Weft: check the installation')
  const { intent, diagnostics } = loadIntent(text, { file: example, env: process.env })
  settleDiagnostics(diagnostics, example, output)
  const planned = planFabric(intent!, emptyLock)
  settleDiagnostics(planned.diagnostics, example, output)
  return planned.plan!
}

async function bringUpExample(plan: Plan, name: string, signal: AbortSignal): Promise<UpResult> {
  const progress = showLabProgress()
  try {
    return await bringUp(plan, { name, removeOnFailure: true, onProgress: progress.show, signal })
  } finally {
    progress.clear()
  }
}

function tellUp({ state, times }: UpResult, narrator: Narrator): void {
  const { plan } = state
  const ends = 2 * plan.sessions.length
  narrator.find(
    `${plan.devices.length} routers, ${ends} BGP and BFD session ends, every route as planned`,
    `in BGP and in every kernel after ${seconds(times.convergedMs)}`,
    true,
  )
  narrator.find(
    'both Kubernetes clusters, reached over the fabric',
    `ready after ${seconds(times.readyMs)}`,
    true,
  )
}

async function tellStory({ state }: UpResult, plan: Plan, stay: boolean, narrator: Narrator): Promise<void> {
  const pool = parsePrefix(plan.globalServices[0]!.prefix)
  const story = new Story(state, formatAddress(addressAt(pool, addressNumber)), narrator)
  try {
    await story.deploy()
    await story.showWay()
    await story.showAnswers()
    await story.cutLink()
    await story.drain()
    if (stay) return
    await story.killNode()
    await story.leaveSite()
  } finally {
    story.close()
  }
}

/** Ends waiting when the user does; the work itself ends with the lab. */
async function unlessStopped(signal: AbortSignal, work: Promise<void>): Promise<void> {
  const stopped = Promise.withResolvers<never>()
  const stop = () => stopped.reject(signal.reason)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    // What is under way fails when its lab goes; that is no news then.
    work.catch(() => {})
    await Promise.race([work, stopped.promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function summarize(findings: readonly Finding[], elapsedMs: number, output: Output): void {
  if (output.format === 'json') {
    output.printJson({ findings, elapsedMs: Math.round(elapsedMs) })
    return
  }
  const failed = findings.filter((finding) => !finding.isGood).length
  output.print('\nSUMMARY')
  output.print(
    formatTable(findings, [
      { header: 'WHAT', value: (row) => row.what },
      { header: 'FOUND', value: (row) => row.value },
      { header: '', value: (row) => (row.isGood ? 'ok' : 'FAILED') },
    ]),
  )
  output.print(
    `\n${failed === 0 ? 'everything held' : `${failed} of ${findings.length} did not hold`} · ${seconds(elapsedMs)} in all`,
  )
}

function sayWhatToTry(name: string, output: Output): void {
  const kubectl = `kubectl --kubeconfig ${kubeconfigPath(name)}`
  output.note(`
The lab "${name}" is still up. Try:
  bin/weft lab status --name ${name}
  bin/weft lab vtysh --name ${name} leaf -c 'show bgp summary'
  bin/weft lab exec --name ${name} dc1-compute1-n1 -- ${kubectl} get pods,services -o wide
  bin/weft lab exec --name ${name} client -- ping -c 3 10.30.31.${addressNumber}
  bin/weft lab down ${name}`)
}
