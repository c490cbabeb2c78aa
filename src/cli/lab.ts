import { Command } from 'commander'
import { labApplyCommand } from './lab-apply.ts'
import { labCaptureCommand } from './lab-capture.ts'
import { labDoctorCommand } from './lab-doctor.ts'
import { labDownCommand } from './lab-down.ts'
import { labExportCommand } from './lab-export.ts'
import { labFailCommand } from './lab-fail.ts'
import { labFaultsCommand } from './lab-faults.ts'
import { labHealCommand } from './lab-heal.ts'
import { labImpairCommand } from './lab-impair.ts'
import { labExecCommand, labVtyshCommand } from './lab-inside.ts'
import { labPingMeshCommand } from './lab-ping-mesh.ts'
import { labListCommand, labStatusCommand } from './lab-status.ts'
import { labTraceCommand } from './lab-trace.ts'
import { labUpCommand } from './lab-up.ts'

/** `weft lab`. */
export function labCommand(): Command {
  return new Command('lab')
    .description(
      'Runs the planned fabric on this machine: a network namespace and real FRR daemons for every device. Needs root.',
    )
    .addCommand(labUpCommand())
    .addCommand(labStatusCommand())
    .addCommand(labExecCommand())
    .addCommand(labVtyshCommand())
    .addCommand(labApplyCommand())
    .addCommand(labFailCommand())
    .addCommand(labHealCommand())
    .addCommand(labImpairCommand())
    .addCommand(labFaultsCommand())
    .addCommand(labTraceCommand())
    .addCommand(labPingMeshCommand())
    .addCommand(labCaptureCommand())
    .addCommand(labDownCommand())
    .addCommand(labDoctorCommand())
    .addCommand(labListCommand())
    .addCommand(labExportCommand())
    .addHelpText(
      'after',
      `
Examples:
  weft lab up                    start what weft.yaml describes and wait until it has converged
  weft lab status                planned against actual, differences first
  weft lab vtysh leaf -c 'show bgp summary'
  weft lab trace n1 n2           which ways packets take, and which are planned
  weft lab fail device NAME      break something; weft lab heal --all mends it
  weft lab down                  remove it`,
    )
}
