import { Command } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import type { Device, Plan } from '../plan/model.ts'
import { type RenderedDevice, renderDevice } from '../render/render.ts'
import { type Output, openOutput } from './output.ts'
import { unknownDevice } from './plan-devices.ts'
import { createProgress } from './progress.ts'
import { acceptPlan, loadProject } from './project.ts'
import { type FolderChange, updateFolder } from './render-folder.ts'

interface RenderOptions {
  file: string
  out?: string
  part: string
}

/** `weft render`. */
export function renderCommand(): Command {
  return new Command('render')
    .description(
      'Writes the configuration of every device: FRR per daemon and as one file, daemons, kernel settings. ' +
        'Without --out it prints one device. Networks beyond the edge are rendered only when named.',
    )
    .argument('[device...]', 'names, * matches any run of characters; all of them when not given')
    .option('-f, --file <intent>', 'the intent', 'weft.yaml')
    .option('--out <dir>', 'folder to write to, one folder a device')
    .option('--part <file>', 'which file to print without --out', 'frr.conf')
    .addHelpText(
      'after',
      `
Examples:
  weft render --out conf                     every device
  weft render 'dc1-*-leaf*' --out conf       the leaves of one site
  weft render dc1-spine1                     print its frr.conf
  weft render dc1-spine1 --part sysctl.conf  print its kernel settings`,
    )
    .action(async (names: string[], options: RenderOptions, command: Command) => {
      const output = openOutput(command)
      refuseIntentAsDevice(names)
      const project = await loadProject(options.file, output)
      const devices = findDevices(project.plan, names)
      if (options.out === undefined) {
        const rendered = printable(project.plan, devices, options.part)
        await acceptPlan(project, output)
        printDevice(rendered, options.part, output)
        return
      }
      const folder = options.out
      const change = await createProgress().during('rendering', ({ detail }) =>
        updateFolder(folder, renderEach(project.plan, devices, detail), {
          isComplete: names.length === 0,
          beforeSwap: () => acceptPlan(project, output),
        }),
      )
      showChange(folder, change, output)
    })
}

/** Other commands take the intent as their argument; here arguments are devices. */
function refuseIntentAsDevice(names: readonly string[]): void {
  const intent = names.find((name) => /\.ya?ml$/.test(name))
  if (intent === undefined) return
  throw new WeftError('WEFT_USAGE', `"${intent}" stands where names of devices stand`, {
    hint: `weft render --file ${intent} --out conf`,
    exitCode: 2,
  })
}

function findDevices(plan: Plan, names: readonly string[]): Device[] {
  if (names.length === 0) return plan.devices.filter((device) => device.role !== 'external')
  const found = new Set<Device>()
  for (const name of names) {
    const pattern = new RegExp(`^${name.split('*').map(escapePattern).join('.*')}$`)
    const matching = plan.devices.filter((device) => pattern.test(device.name))
    if (matching.length === 0) throw unknownDevice(plan, name)
    for (const device of matching) found.add(device)
  }
  return [...found]
}

function* renderEach(
  plan: Plan,
  devices: readonly Device[],
  detail: (text: string) => void,
): Iterable<RenderedDevice> {
  for (const [i, device] of devices.entries()) {
    detail(`${i + 1} of ${devices.length} ${device.name}`)
    yield renderDevice(plan, device)
  }
}

function printable(plan: Plan, [device, ...others]: readonly Device[], part: string): RenderedDevice {
  if (device === undefined || others.length > 0) {
    throw new WeftError('WEFT_USAGE', 'several devices are written to a folder, one is printed', {
      hint: 'weft render --out conf, or weft render <device>',
      exitCode: 2,
    })
  }
  const rendered = renderDevice(plan, device)
  if (part in rendered.files) return rendered
  const parts = Object.keys(rendered.files)
  throw new WeftError('WEFT_USAGE', `a device has no file "${part}"`, {
    hint: `there are: ${parts.join(', ')}`,
    exitCode: 2,
  })
}

function printDevice(rendered: RenderedDevice, part: string, output: Output): void {
  if (output.format === 'json') output.printJson(rendered)
  else output.print(rendered.files[part]!)
}

function showChange(folder: string, change: FolderChange, output: Output): void {
  if (output.format === 'json') {
    output.printJson({ folder, ...change })
    return
  }
  const { written, unchanged, removed } = change
  output.print(`${folder}: ${written.length} devices written, ${unchanged.length} unchanged`)
  if (unchanged.length > 0 && written.length > 0) output.print(`  written: ${abbreviate(written)}`)
  if (removed.length > 0) output.print(`  removed: ${abbreviate(removed)}`)
}

function abbreviate(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ')
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown
}

function escapePattern(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
}
