import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { WeftError } from '../../diagnostics/error.ts'
import { inNamespace } from '../../linux/namespace.ts'
import { run } from '../../linux/run.ts'
import type { RestartTarget } from './target.ts'

/*
 * FRR as Debian's package runs it: /etc/frr/daemons says what is started, watchfrr starts it, systemd starts watchfrr
 * where there is a systemd, and vtysh loads /etc/frr/frr.conf into all of them.
 *
 * systemd sees its service die by SIGKILL and would itself start it again after 5 s; asking it at once is quicker, and
 * right in whichever state it is by then.
 */

const initScript = '/usr/lib/frr/frrinit.sh'

export interface ServiceOptions {
  /** An FRR of its own beside the machine's: files in /etc/frr/<name>, sockets in /var/run/frr/<name>. */
  pathspace?: string
  /** Network namespace of that one. */
  namespace?: string
}

/** This machine's FRR as something to restart. */
export async function findService({ pathspace, namespace }: ServiceOptions = {}): Promise<RestartTarget> {
  const directory = pathspace === undefined ? '/etc/frr' : `/etc/frr/${pathspace}`
  const daemonsFile = await readFile(`${directory}/daemons`, 'utf8').catch(() => {
    throw new WeftError(
      'WEFT_FRR_MISSING',
      `there is no ${directory}/daemons: no FRR of a package runs here`,
      {
        hint: 'run this on a node; in a lab: weft frr restart --lab <lab> --node <node>',
        exitCode: 3,
      },
    )
  })
  const hasSystemd = pathspace === undefined && existsSync('/run/systemd/system')
  const argv = hasSystemd
    ? (['systemctl', 'restart', 'frr.service'] as const)
    : ([initScript, 'start', ...(pathspace === undefined ? [] : [pathspace])] as const)
  return {
    name: pathspace ?? hostname(),
    frr: pathspace === undefined ? {} : { pathspace },
    ...(namespace === undefined ? {} : { namespace }),
    startConfig: await readStartConfig(directory),
    keepsKernelRoutes: /^zebra_options=.*(-K|--graceful_restart)[ =]?\d/m.test(daemonsFile),
    startedBy: argv.join(' '),
    async start() {
      // Three starts in three minutes are all that the unit file allows otherwise.
      if (hasSystemd) await run(['systemctl', 'reset-failed', 'frr.service'], { acceptFailure: true })
      await run(inNamespace(namespace, argv), { timeoutMs: 120_000 })
    },
  }
}

async function readStartConfig(directory: string): Promise<string> {
  for (const file of ['frr.conf', 'bgpd.conf']) {
    const text = await readFile(`${directory}/${file}`, 'utf8').catch(() => undefined)
    if (text !== undefined) return text
  }
  throw new WeftError('WEFT_FRR_NO_CONFIG', `there is neither frr.conf nor bgpd.conf in ${directory}`, {
    hint: 'bgpd would come back with nothing: deploy the rendered configuration first (weft render)',
    exitCode: 2,
  })
}
