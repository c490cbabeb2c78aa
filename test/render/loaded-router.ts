/*
 * Loads a configuration into real daemons and reads it back.
 *
 * Each router is a network namespace and an FRR pathspace of the same name, alive only between start and read-back.
 * The interfaces a configuration names need not exist: zebra keeps their configuration for the day they appear.
 */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type DaemonName, FrrDaemon } from '../../src/frr/daemon.ts'
import { createNamespaces, deleteNamespaces, inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { applySysctls } from '../../src/linux/sysctl.ts'
import type { FrrConfig } from '../../src/render/frr/frr-config.ts'

type RenderedDaemon = keyof FrrConfig['daemons']

const daemons = ['zebra', 'bfdd', 'bgpd'] as const satisfies DaemonName[]

export class RouterBench {
  readonly #namespaces: string[]
  readonly #directory: string

  private constructor(namespaces: string[], directory: string) {
    this.#namespaces = namespaces
    this.#directory = directory
  }

  /** Prepares places for `width` routers at a time. */
  static async open(prefix: string, width: number): Promise<RouterBench> {
    const namespaces = Array.from({ length: width }, (_, index) => `${prefix}${index}`)
    await deleteNamespaces(namespaces)
    await createNamespaces(namespaces)
    for (const namespace of namespaces) {
      // zebra reports the kernel's forwarding as a line of its own when it is off.
      await applySysctls({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 }, { namespace })
    }
    const directory = await mkdtemp(join(tmpdir(), 'weft-load-'))
    await chmod(directory, 0o755)
    return new RouterBench(namespaces, directory)
  }

  async close(): Promise<void> {
    for (const namespace of this.#namespaces) await stopDaemons(namespace)
    await deleteNamespaces(this.#namespaces)
    for (const namespace of this.#namespaces)
      await rm(`/var/run/frr/${namespace}`, { recursive: true, force: true })
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** Runs `work` for every item, as many at a time as there are places. */
  async forEach<T>(items: readonly T[], work: (item: T, place: string) => Promise<void>): Promise<void> {
    const queue = [...items]
    const ended = await Promise.allSettled(
      this.#namespaces.map(async (place) => {
        for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item, place)
      }),
    )
    // Only when all have stopped: the next test uses the same places.
    for (const result of ended) if (result.status === 'rejected') throw result.reason
  }

  /** Starts each daemon on its own file and returns what each then runs. */
  async loadFiles(place: string, files: FrrConfig['daemons']): Promise<Record<RenderedDaemon, string>> {
    for (const daemon of daemons) await writeFile(this.#file(place, daemon), files[daemon], { mode: 0o644 })
    try {
      await startDaemons(place, (daemon) => ['-f', this.#file(place, daemon)])
      const [zebra, bfdd, bgpd] = await Promise.all(daemons.map((daemon) => readRunning(place, daemon)))
      return { zebra: zebra!, bfdd: bfdd!, bgpd: bgpd! }
    } finally {
      await stopDaemons(place)
    }
  }

  /** Starts empty daemons, feeds them the integrated file through vtysh and returns what all of them run. */
  async loadIntegrated(place: string, text: string): Promise<{ running: string; complaints: string }> {
    // vtysh looks for a pathspace's files in a folder of its name.
    const folder = join(this.#directory, place)
    await mkdir(folder, { recursive: true, mode: 0o755 })
    await writeFile(join(folder, 'frr.conf'), text, { mode: 0o644 })
    await writeFile(join(folder, 'vtysh.conf'), 'service integrated-vtysh-config\n', { mode: 0o644 })
    try {
      await startDaemons(place, () => [])
      const vtysh = ['vtysh', '-N', place, '--config_dir', this.#directory] as const
      const booted = await run([...vtysh, '-b'], { acceptFailure: true })
      const { stdout } = await run([...vtysh, '-c', 'show running-config'])
      // vtysh keeps `hostname` to itself: no daemon learns it, and it prints the machine's own.
      const named = /^hostname .*$/m.exec(text)?.[0] ?? ''
      const running = stdout.replace(/^hostname .*$/m, named)
      return { running, complaints: refusals(booted.stdout + booted.stderr) }
    } finally {
      await stopDaemons(place)
    }
  }

  #file(place: string, daemon: string): string {
    return join(this.#directory, `${place}-${daemon}.conf`)
  }
}

/** Lines with which vtysh or a daemon says that it did not take something. */
export function refusals(output: string): string {
  return output
    .split('\n')
    .filter((text) => /unknown command|% |does not exist|line \d+:|error/i.test(text))
    .join('\n')
}

async function startDaemons(place: string, extra: (daemon: DaemonName) => string[]): Promise<void> {
  for (const daemon of daemons) {
    await run(
      inNamespace(place, [
        `/usr/lib/frr/${daemon}`,
        '--daemon',
        '-N',
        place,
        '--limit-fds',
        '256',
        '--log',
        'file:/dev/null',
        ...extra(daemon),
      ]),
    )
  }
}

async function readRunning(place: string, daemon: DaemonName): Promise<string> {
  const client = new FrrDaemon(daemon, { pathspace: place })
  try {
    return await client.show('show running-config')
  } finally {
    client.close()
  }
}

async function stopDaemons(place: string): Promise<void> {
  const folder = `/var/run/frr/${place}`
  const files = await readdir(folder).catch(() => [])
  for (const file of files.filter((name) => name.endsWith('.pid'))) {
    const pid = Number((await readFile(join(folder, file), 'utf8')).trim())
    process.kill(pid, 'SIGKILL')
    // No child of ours, so that its end can only be looked for; it holds its sockets and pid file until then.
    while (await isAlive(pid)) await delay(2)
    await rm(join(folder, file))
  }
}

async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat !== '' && !/\) [ZX] /.test(stat)
}
