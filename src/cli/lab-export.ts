import { join } from 'node:path'
import { Command } from 'commander'
import type { Plan } from '../plan/model.ts'
import { printContainerlab, printStartScript, startScript } from '../render/containerlab/topology-file.ts'
import { type RenderedDevice, renderDevice } from '../render/render.ts'
import { writeAtomically } from './files.ts'
import { openOutput } from './output.ts'
import { createProgress } from './progress.ts'
import { acceptPlan, loadProject } from './project.ts'
import { updateFolder } from './render-folder.ts'

interface ExportOptions {
  file: string
  containerlab: string
  image?: string
}

/** The FRR project's own images, by release. */
const images: Readonly<Record<number, string>> = {
  8: 'quay.io/frrouting/frr:8.4.7',
  9: 'quay.io/frrouting/frr:9.1.0',
}
const newestImage = 'quay.io/frrouting/frr:10.3.1'

/** `weft lab export`. */
export function labExportCommand(): Command {
  return new Command('export')
    .description(
      'Writes the fabric as a containerlab topology with the configuration of every device beside it. ' +
        'containerlab and clabernetes start it; it has the routers and nodes, no Kubernetes and no agents.',
    )
    .option('-f, --file <intent>', 'the intent', 'weft.yaml')
    .requiredOption('--containerlab <dir>', 'folder to write to')
    .option(
      '--image <name>',
      "container image with FRR (default: the FRR project's, of the intent's release)",
    )
    .addHelpText(
      'after',
      `
Examples:
  weft lab export --containerlab clab
  containerlab deploy -t clab/<name>.clab.yml`,
    )
    .action(async ({ file, containerlab: folder, image }: ExportOptions, command: Command) => {
      const output = openOutput(command)
      const project = await loadProject(file, output)
      const { plan } = project
      const topology = join(folder, `${plan.name}.clab.yml`)
      await createProgress().during('rendering', () =>
        updateFolder(folder, renderContainers(plan), {
          isComplete: true,
          beforeSwap: () => acceptPlan(project, output),
        }),
      )
      const chosen = image ?? images[plan.frr.major] ?? newestImage
      await writeAtomically(topology, printContainerlab(plan, chosen))
      if (output.format === 'json')
        output.printJson({ topology, image: chosen, devices: plan.devices.length, links: plan.links.length })
      else {
        output.print(`${topology}: ${plan.devices.length} containers, ${plan.links.length} links, ${chosen}`)
        output.print(`start it with: containerlab deploy -t ${topology}`)
      }
    })
}

function* renderContainers(plan: Plan): Iterable<RenderedDevice> {
  for (const device of plan.devices) {
    const { files } = renderDevice(plan, device)
    yield { device: device.name, files: { ...files, [startScript]: printStartScript(plan, device) } }
  }
}
