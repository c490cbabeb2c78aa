import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DaemonName, FrrDaemon, vtySocketPath } from '../../src/frr/daemon.ts'
import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'

/** Real FRR daemons in a namespace that exists already; the pathspace has the namespace's name. */
export class Router {
  readonly name: string
  readonly #children = new Map<DaemonName, ChildProcess>()
  #directory: string | undefined

  constructor(name: string) {
    this.name = name
  }

  /** Starts a daemon with its own configuration file, and resolves when its vty socket answers. */
  async start(daemon: DaemonName, config: string): Promise<void> {
    this.#directory ??= await this.#prepare()
    const file = join(this.#directory, `${daemon}.conf`)
    await writeFile(file, config)
    const extra = daemon === 'zebra' ? [] : daemon === 'bgpd' ? ['-p', '179'] : []
    const [command, ...args] = inNamespace(this.name, [
      `/usr/lib/frr/${daemon}`,
      '-N',
      this.name,
      '-f',
      file,
      '--limit-fds',
      '1024',
      ...extra,
    ])
    this.#children.set(daemon, spawn(command, args, { stdio: 'ignore' }))
    const client = this.connect(daemon)
    for (let attempt = 0; ; attempt++) {
      try {
        await client.show('show version')
        break
      } catch (error) {
        if (attempt > 300) throw error
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    client.close()
  }

  /** Loads configuration into a running daemon, as `vtysh -b` does at boot. */
  async load(daemon: DaemonName, config: string): Promise<void> {
    const file = join(this.#directory ?? tmpdir(), `${daemon}-late.conf`)
    await writeFile(file, config)
    await run(['vtysh', '-N', this.name, '-d', daemon, '-f', file])
  }

  /** Ends one daemon and resolves when it is gone. */
  async kill(daemon: DaemonName, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#children.get(daemon)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }

  connect(daemon: DaemonName): FrrDaemon {
    return new FrrDaemon(daemon, { pathspace: this.name })
  }

  async stop(): Promise<void> {
    for (const daemon of this.#children.keys()) await this.kill(daemon)
    await rm(join(vtySocketPath('bgpd', { pathspace: this.name }), '..'), { recursive: true, force: true })
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true })
  }

  async #prepare(): Promise<string> {
    const runDirectory = `/var/run/frr/${this.name}`
    await mkdir(runDirectory, { recursive: true })
    await run(['chown', 'frr:frr', runDirectory])
    const directory = await mkdtemp(join(tmpdir(), 'weft-test-'))
    await chmod(directory, 0o755)
    return directory
  }
}

/** Settings that make a namespace a router whose link-local addresses are usable at once. */
export const routerSysctls = {
  'net.ipv4.ip_forward': 1,
  'net.ipv6.conf.all.forwarding': 1,
  'net.ipv6.conf.default.forwarding': 1,
  'net.ipv6.conf.all.accept_dad': 0,
  'net.ipv6.conf.default.accept_dad': 0,
}
