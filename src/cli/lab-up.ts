import { writeFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { loadIntent } from '../intent/load.ts'
import { kubeconfigPath } from '../lab/cluster.ts'
import type { KubernetesKind } from '../lab/cluster-config.ts'
import { keptLockPath } from '../lab/names.ts'
import { sampleIntent } from '../lab/sample.ts'
import { readState } from '../lab/state.ts'
import { bringUp, type UpResult } from '../lab/up.ts'
import { emptyLock, formatLock } from '../plan/lock.ts'
import type { Plan } from '../plan/model.ts'
import { planFabric } from '../plan/plan-fabric.ts'
import { readText } from './files.ts'
import { showLabProgress } from './lab-progress.ts'
import { type Output, openOutput, settleDiagnostics } from './output.ts'
import { formatSummary } from './plan-tables.ts'
import { loadProject } from './project.ts'

interface LabUpOptions {
  name?: string
  sample?: boolean
  /** False with --no-kubernetes. */
  kubernetes: KubernetesKind | 'none' | false
  bfd: boolean
}

/** `weft lab up`. */
export function labUpCommand(): Command {
  return new Command('up')
    .description(
      'Starts the fabric and waits until it is what the plan says: every session, every BFD session, every route with ' +
        'its width, in BGP and in the kernel. Ctrl-C takes down what was built.',
    )
    .argument('[file]', 'the intent', 'weft.yaml')
    .option('--name <lab>', 'name of the lab; several can run side by side (default: the name of the intent)')
    .option('--sample', 'a smaller fabric that keeps every role')
    .addOption(
      new Option(
        '--kubernetes <kind>',
        'embedded: a small API server of the lab; real: kube-apiserver, etcd, kube-controller-manager, kube-scheduler ' +
          'and kube-proxy, found in $KUBEBUILDER_ASSETS or the cache, else built with Go once; none',
      )
        .choices(['embedded', 'real', 'none'])
        .default('embedded'),
    )
    .option('--no-kubernetes', 'without control plane, pods and agents; the same as --kubernetes none')
    .option('--no-bfd', 'without BFD, for large fabrics on small machines')
    .addHelpText(
      'after',
      `
Examples:
  weft lab up                            start weft.yaml
  weft lab up big.yaml --sample          try a large design on a laptop
  weft lab up --name second              another one beside the first`,
    )
    .action(async (file: string, options: LabUpOptions, command: Command) => {
      const output = openOutput(command)
      const project = options.sample ? null : await loadProject(file, output)
      const plan = project?.plan ?? (await planSample(file, output))
      const stopper = new AbortController()
      const stop = (signal: NodeJS.Signals) => {
        output.note(`\n${signal}: taking down what was built`)
        stopper.abort()
        process.exitCode = signal === 'SIGINT' ? 130 : 143
      }
      process.once('SIGINT', stop)
      process.once('SIGTERM', stop)
      const progress = showLabProgress()
      try {
        const result = await bringUp(plan, {
          ...(options.name === undefined ? {} : { name: options.name }),
          bfd: options.bfd,
          kubernetes: options.kubernetes === 'none' ? false : options.kubernetes,
          onProgress: progress.show,
          signal: stopper.signal,
        })
        if (project !== null) await writeFile(keptLockPath(result.state.name), formatLock(project.lock))
        progress.clear()
        printResult(result, output)
      } catch (error) {
        progress.clear()
        if (stopper.signal.aborted) return
        await sayWhatIsLeft(options.name ?? plan.name, output)
        throw error
      } finally {
        process.off('SIGINT', stop)
        process.off('SIGTERM', stop)
      }
    })
}

/** A fabric that was built stays when something after it fails: its logs say why. */
async function sayWhatIsLeft(lab: string, output: Output): Promise<void> {
  const state = await readState(lab).catch(() => null)
  // A lab that was there before is not this command's.
  if (state?.phase === 'up' && Date.parse(state.createdAt) > Date.now() - performance.now())
    output.note(`the fabric is left up to look at; remove it with: weft lab down ${lab}`)
}

/** A sample has numbers of its own: the lock belongs to the whole. */
async function planSample(file: string, output: Output): Promise<Plan> {
  const text = await readText(file, 'name the file, or write a starter with: weft init')
  const { intent, diagnostics } = loadIntent(text, { file, env: process.env })
  settleDiagnostics(diagnostics, file, output)
  if (intent === null) throw new Error(`${file} gave neither an intent nor an error`)
  const planned = planFabric(sampleIntent(intent), emptyLock)
  settleDiagnostics(planned.diagnostics, `the sample of ${file}`, output)
  if (planned.plan === null) throw new Error(`${file} gave neither a plan nor an error`)
  return planned.plan
}

function printResult({ state, times }: UpResult, output: Output): void {
  if (output.format === 'json') {
    output.printJson({
      lab: state.name,
      devices: state.plan.devices.length,
      relaxedBfd: state.relaxedBfd,
      times,
    })
    return
  }
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
  output.print(formatSummary(state.plan))
  output.print(
    `lab "${state.name}" is up and as planned after ${seconds(times.convergedMs)}: ` +
      `routers started ${seconds(times.startedMs)}, sessions ${seconds(times.startedMs + times.sessionsMs)}, ` +
      `routes ${seconds(times.startedMs + times.routesMs)}, BFD ${seconds(times.startedMs + times.bfdMs)}`,
  )
  if (state.hasPods)
    output.print(
      `clusters ${state.plan.clusters.map(({ name }) => name).join(', ')} are ready after ${seconds(times.readyMs)}; ` +
        `from any node: kubectl --kubeconfig ${kubeconfigPath(state.name)}`,
    )
  output.print(`next: weft lab status --name ${state.name} · weft lab down ${state.name}`)
}
