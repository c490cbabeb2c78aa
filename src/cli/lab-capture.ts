import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { capturePackets, findCapturePoint } from '../lab/capture.ts'
import { onlyLab, requireState } from '../lab/state.ts'
import { openOutput } from './output.ts'

interface Options {
  write?: string
  end?: string
  count?: number
  seconds?: number
  name?: string
}

/** `weft lab capture`. */
export function labCaptureCommand(): Command {
  return new Command('capture')
    .description('Shows or records the packets of a link, until Ctrl-C or a limit. Uses tcpdump.')
    .argument('<where>', 'a link, such as leaf1--n1, or <device>/<interface>')
    .argument('[filter...]', "which packets, in tcpdump's language; options of tcpdump after --")
    .option('-w, --write <file>', 'record as pcap; - for standard output')
    .option('--end <device>', 'which end of the link; the first one named in it otherwise')
    .option('--count <n>', 'end after so many packets', readCount)
    .option('--seconds <n>', 'end after this time', readCount)
    .option('--name <lab>', 'which lab; not needed when only one is running')
    .addHelpText(
      'after',
      `
A packet is seen at an end after what that end's kernel dropped on its way in: with a silent fault on the link, look at
both ends.

Examples:
  weft lab capture dc1-compute1-leaf1--dc1-compute1-n1
  weft lab capture dc1-spine1--dc1-compute1-leaf1 tcp port 179
  weft lab capture client/ext0 --count 20 -w edge.pcap udp
  weft lab capture dc1-spine1/eth1 -w - | wireshark -k -i -`,
    )
    .action(async (where: string, filter: string[], options: Options, command: Command) => {
      const output = openOutput(command)
      const state = await requireState(options.name ?? (await onlyLab()))
      const point = findCapturePoint(state, where, options.end)
      const { write, count, seconds } = options
      const file = write === undefined || write === '-' ? write : resolve(write)
      const peer = point.peerDevice === null ? '' : `, towards ${point.peerDevice}`
      output.note(`packets at ${point.device}/${point.interface}${peer}; Ctrl-C ends`)
      const { packets, captured, dropped } = await capturePackets(state.name, point, {
        filter,
        isQuiet: output.format === 'json' && file !== '-',
        ...(file === undefined ? {} : { file }),
        ...(count === undefined ? {} : { count }),
        ...(seconds === undefined ? {} : { seconds }),
      })
      if (output.format === 'json' && file !== '-')
        output.printJson({ ...point, file: file ?? null, captured, dropped, packets })
      const lost = dropped === 0 ? '' : `, ${dropped} more came too fast`
      const target = file === undefined || file === '-' ? '' : ` in ${write}`
      output.note(`${captured === 1 ? '1 packet' : `${captured} packets`}${target}${lost}`)
    })
}

function readCount(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a number above 0.')
  return value
}
