import type { Device, Plan } from '../../plan/model.ts'
import { viewDevice } from '../view.ts'
import { staleSeconds } from './graceful-restart.ts'

/** Text of /etc/frr/daemons: what systemd's frr.service starts, and how. */
export function printDaemonsFile(plan: Plan, device: Device): string {
  const sessions = viewDevice(plan, device).neighbors.length
  return `${[
    '# zebra, and staticd and mgmtd where the release has them, always run.',
    'bgpd=yes',
    'bfdd=yes',
    'vtysh_enable=yes',
    '# Port 0: no telnet; vtysh and Weft use the Unix sockets.',
    ...(device.role === 'node'
      ? ['# -K: a zebra that was killed finds its routes in the kernel and keeps them that long.']
      : []),
    `zebra_options="-A 127.0.0.1 -P 0 -s 90000000${device.role === 'node' ? ` -K ${staleSeconds}` : ''}"`,
    'bgpd_options="-A 127.0.0.1 -P 0"',
    'bfdd_options="-A 127.0.0.1 -P 0"',
    '# Each FRR thread allocates tables of this many entries: with the limit of a container host, a million, they add up.',
    `MAX_FDS=${Math.max(1024, 8 * sessions)}`,
  ].join('\n')}\n`
}
