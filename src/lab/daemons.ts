import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { WeftError } from '../diagnostics/error.ts'
import { inNamespace } from '../linux/namespace.ts'
import { run } from '../linux/run.ts'
import { staleSeconds } from '../render/frr/graceful-restart.ts'
import { frrRunDirectory, labEnvironmentKey, namespaceOf, pathsOf } from './names.ts'
import { ScriptError, type ShellPool } from './shells.ts'

/*
 * Starts FRR in a device's namespace: one nsenter and one script, whatever the device needs.
 *
 * The daemons daemonise; each returns when it has read its file, and a line that it does not know goes to its log and
 * nowhere else, exit code 0. Whoever starts them therefore reads the running configuration back (readback.ts).
 * Daemons are not supervised: a daemon that dies in a lab is something to be seen, not mended behind one's back.
 */

/** In the order in which they have to start: the others look for zebra's socket once and then not for ten seconds. */
export const daemons = ['zebra', 'bfdd', 'bgpd'] as const
export type Daemon = (typeof daemons)[number]

export interface DeviceSetup {
  device: string
  /** Configuration of each daemon to be run. */
  configs: Partial<Record<Daemon, string>>
  /** Kernel settings, written with dots. */
  sysctls: Record<string, string>
  /** Interfaces to be set up. */
  interfaces: string[]
  /** `ip -batch` lines for the namespace, such as static routes. */
  ipOperations: string[]
}

const frrBinaries = '/usr/lib/frr'

/**
 * Settings that every namespace of a lab has. DAD would hold back link-local addresses, and with them every session,
 * for a second; the ICMP limit would hide hops from a traceroute.
 */
const labSysctls: Record<string, string> = {
  'net.ipv6.conf.all.accept_dad': '0',
  'net.ipv6.conf.default.accept_dad': '0',
  'net.ipv4.icmp_ratelimit': '0',
  'net.ipv6.icmp.ratelimit': '0',
}

/** Refuses to begin where FRR's daemons are not. */
export function requireFrr(): void {
  const missing = daemons.filter((daemon) => !existsSync(`${frrBinaries}/${daemon}`))
  if (missing.length === 0) return
  throw new WeftError('WEFT_FRR_MISSING', `${missing.join(', ')} not found in ${frrBinaries}`, {
    hint: 'install FRRouting: apt-get install frr',
    exitCode: 3,
  })
}

/** Writes every device's configuration where FRR's own user can read it and nobody else. */
export async function writeConfigs(lab: string, setups: readonly DeviceSetup[]): Promise<void> {
  const { configs, logs, root } = pathsOf(lab)
  const frr = await frrUser()
  await mkdir(configs, { recursive: true })
  await mkdir(logs, { recursive: true })
  await chmod(root, 0o755)
  for (const setup of setups) {
    const logDirectory = `${logs}/${setup.device}`
    await mkdir(`${configs}/${setup.device}`, { recursive: true })
    await mkdir(logDirectory, { recursive: true })
    await chown(logDirectory, frr.uid, frr.gid)
    for (const daemon of daemons) {
      const text = setup.configs[daemon]
      if (text === undefined) continue
      const path = configPath(lab, setup.device, daemon)
      await writeFile(path, text, { mode: 0o640 })
      await chown(path, 0, frr.gid)
    }
  }
}

/** Applies kernel settings and starts zebra and bgpd; resolves when each has read its configuration. */
export async function startRouter(shells: ShellPool, lab: string, setup: DeviceSetup): Promise<void> {
  const commands = startCommands(lab, setup.device, configuredOf(setup, ['zebra', 'bgpd']))
  await runInDevice(shells, lab, setup.device, [
    ...kernelCommands(setup),
    'ip link set lo up || exit 1',
    ...commands,
  ])
}

/** Sets a device's interfaces up, adds its static routes and starts bfdd. */
export async function plugIn(shells: ShellPool, lab: string, setup: DeviceSetup): Promise<void> {
  const operations = [...setup.interfaces.map((name) => `link set ${name} up`), ...setup.ipOperations]
  await runInDevice(shells, lab, setup.device, [
    ...(operations.length === 0 ? [] : [`ip -batch - <<'END' || exit 1`, ...operations, 'END']),
    ...startCommands(lab, setup.device, configuredOf(setup, ['bfdd'])),
  ])
}

/** Starts daemons of a device that has been set up, such as after they were killed; each has then read its file. */
export async function startDaemons(lab: string, device: string, which: readonly Daemon[]): Promise<void> {
  if (which.length === 0) return
  const script = startCommands(lab, device, which).join('\n')
  await run(inNamespace(namespaceOf(lab, device), ['sh', '-c', script]), {
    env: { ...process.env, [labEnvironmentKey]: lab },
  })
}

/** Whether a device was given a configuration for the daemon. */
export function isConfigured(lab: string, device: string, daemon: Daemon): boolean {
  return existsSync(configPath(lab, device, daemon))
}

/** Whether zebra of a device takes over what it finds in the kernel, as /etc/frr/daemons of a node says. */
export function keepsKernelRoutes(lab: string, device: string): boolean {
  if (!isConfigured(lab, device, 'bgpd')) return false
  return /^ bgp graceful-restart$/m.test(readFileSync(configPath(lab, device, 'bgpd'), 'utf8'))
}

/** Where a running daemon keeps its process id. */
export function daemonPidPath(lab: string, device: string, daemon: Daemon): string {
  return `${frrRunDirectory}/${namespaceOf(lab, device)}/${daemon}.pid`
}

/** Where a daemon writes what it has to say. */
export function logPath(lab: string, device: string, daemon: Daemon): string {
  return `${pathsOf(lab).logs}/${device}/${daemon}.log`
}

/** What a daemon of a device reads when it starts. */
export function configPath(lab: string, device: string, daemon: Daemon): string {
  return `${pathsOf(lab).configs}/${device}/${daemon}.conf`
}

/** Process ids of a device's daemons before they went into the background. */
export function launchersPath(lab: string, device: string): string {
  return `${pathsOf(lab).configs}/${device}/launchers`
}

function kernelCommands(setup: DeviceSetup): string[] {
  const sysctls = {
    ...labSysctls,
    // Interfaces copied the default when they were made, which was before it was set.
    ...Object.fromEntries(setup.interfaces.map((name) => [`net.ipv6.conf.${name}.accept_dad`, '0'])),
    ...setup.sysctls,
  }
  return Object.entries(sysctls).map(
    ([key, value]) =>
      `echo ${quote(value)} > ${quote(sysctlPath(key))} || { echo ${quote(`kernel setting ${key}=${value} was refused`)} >&2; exit 1; }`,
  )
}

function configuredOf(setup: DeviceSetup, which: readonly Daemon[]): Daemon[] {
  return which.filter((daemon) => setup.configs[daemon] !== undefined)
}

function startCommands(lab: string, device: string, which: readonly Daemon[]): string[] {
  return daemons
    .filter((daemon) => which.includes(daemon))
    .map((daemon) => {
      const argv = [
        `${frrBinaries}/${daemon}`,
        '-d',
        ['-N', namespaceOf(lab, device)],
        ['-f', configPath(lab, device, daemon)],
        // FRR's threads each allocate arrays of this many entries: with a limit of a million they eat the machine.
        ['--limit-fds', '1024'],
        // No telnet port: everything goes over the Unix socket.
        ['-P', '0'],
        ['--log', `file:${logPath(lab, device, daemon)}`],
        daemon === 'zebra' && keepsKernelRoutes(lab, device) ? ['-K', `${staleSeconds}`] : [],
      ].flat()
      // A daemon names its scratch folder after the process it was before it went into the background.
      return `${argv.map(quote).join(' ')} & echo $! >> ${quote(launchersPath(lab, device))}; wait $! || exit 1`
    })
}

async function runInDevice(
  shells: ShellPool,
  lab: string,
  device: string,
  commands: readonly string[],
): Promise<void> {
  try {
    const argv = inNamespace(namespaceOf(lab, device), ['sh', '-c', commands.join('\n')])
    await shells.run(argv.map(quote).join(' '))
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error
    throw new WeftError('WEFT_LAB_DEVICE', `${device} could not be started: ${error.message}`, {
      hint: `"weft lab doctor" checks what a lab needs of this machine`,
      cause: error,
    })
  }
}

/** sysctl(8) writes a dot inside an interface name as a slash. */
function sysctlPath(key: string): string {
  return `/proc/sys/${key.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'))}`
}

function quote(word: string): string {
  return /^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

async function frrUser(): Promise<{ uid: number; gid: number }> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((row) => row.startsWith('frr:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined)
    throw new WeftError('WEFT_FRR_MISSING', 'there is no user "frr": FRRouting is not installed', {
      hint: 'install it: apt-get install frr',
      exitCode: 3,
    })
  return { uid: Number(uid), gid: Number(gid) }
}
