import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { inNamespace } from '../../linux/namespace.ts'
import { type Packet, readPackets } from './pcap.ts'

/*
 * The kernel's own times of every probe packet of a host: one tcpdump on all its interfaces, read as pcap.
 *
 * A process learns of a packet when it is scheduled, on a busy machine milliseconds late; the kernel stamps it when it
 * leaves and when it arrives, on the one clock that all namespaces share. Node cannot ask a socket for these stamps.
 * tcpdump hands packets over one by one (`--immediate-mode`): blocks would be cheaper, but the last one is lost when
 * tcpdump is stopped. Measured in docs/decisions/probes.md.
 *
 * Packets are kept as they come and parsed when traffic has ended, so that reading them disturbs nothing.
 */

/** Source ports of probes: below those that Linux gives to other programs, and far from those of BFD. */
export const firstProbePort = 20_000
export const lastProbePort = 31_999

/** Room for the sequence number and what an answering pod says of itself. */
const packetBytes = 420

export interface HostCaptureOptions {
  /** Default: the one that this process is in. */
  namespace?: string
  /** Default: udp. */
  protocol?: 'udp' | 'tcp'
  /** In tcpdump's language, beside what probes send. */
  filter?: string
}

export class HostCapture {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #chunks: Buffer[] = []
  readonly #ended: Promise<void>
  readonly #listening: Promise<void>
  #stderr = ''

  constructor({ namespace, protocol = 'udp', filter }: HostCaptureOptions = {}) {
    const probes = `${protocol} portrange ${firstProbePort}-${lastProbePort}`
    const [command, ...args] = inNamespace(namespace, [
      'tcpdump',
      ...['-i', 'any', '-y', 'LINUX_SLL2'],
      ...['-nn', '--immediate-mode', '--time-stamp-precision=nano'],
      ...['-s', String(packetBytes)],
      // KiB, for the whole time in which this host's processes may not run.
      ...['-B', '8192'],
      ...['-w', '-', filter === undefined ? probes : `${probes} and (${filter})`],
    ])
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const { promise: listening, resolve: listen, reject: fail } = Promise.withResolvers<void>()
    this.#ended = ended
    this.#listening = listening
    listening.catch(() => {})
    this.#child.stdout.on('data', (chunk: Buffer) => this.#chunks.push(chunk))
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString()
      // Written when the filter is in place.
      if (/listening on/.test(this.#stderr)) listen()
    })
    this.#child.on('error', (error) => {
      fail(new Error(`tcpdump does not start (${error.message}): install the package tcpdump`))
      end()
    })
    this.#child.on('close', () => {
      fail(new Error(`tcpdump ended: ${this.#stderr.trim()}`))
      end()
    })
  }

  /** Resolves when no later packet can be missed. */
  async start(): Promise<void> {
    await this.#listening
  }

  /** Everything seen so far. */
  packets(): Packet[] {
    return readPackets(Buffer.concat(this.#chunks))
  }

  /** Ends it; says how many packets the kernel could not keep. */
  async stop(): Promise<number> {
    this.#child.kill()
    await this.#ended
    return Number(/(\d+) packets? dropped by kernel/.exec(this.#stderr)?.[1] ?? 0)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
