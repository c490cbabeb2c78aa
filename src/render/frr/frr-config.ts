/*
 * A device's whole FRR configuration, in two shapes.
 *
 * Per daemon, for `zebra -f`, `bgpd -f`, `bfdd -f`: each file holds only what that daemon knows. A daemon that reads
 * an unknown block obeys the block's `exit`, leaves configuration mode and drops the rest of the file, with exit
 * code 0 and nothing said. Integrated, for `vtysh -b` and systemd: vtysh shows each line to the daemons that know it.
 *
 * staticd has no part: nothing here is routed by hand.
 */
import type { Device, Plan } from '../../plan/model.ts'
import { viewDevice } from '../view.ts'
import { renderBfd } from './bfd.ts'
import { renderBgpGlobals, renderRouterBgp } from './bgp.ts'
import { renderPolicies } from './policy.ts'
import { renderPreamble } from './preamble.ts'
import { line, printSections } from './statement.ts'
import { renderZebra } from './zebra.ts'

export interface FrrConfig {
  integrated: string
  daemons: { zebra: string; bgpd: string; bfdd: string }
}

/** FRR configuration of one device of the plan. */
export function renderFrr(plan: Plan, device: Device): FrrConfig {
  const view = viewDevice(plan, device)
  const preamble = renderPreamble(plan, device)
  const zebra = renderZebra(view)
  const bfd = renderBfd(view)
  const bgp = [renderBgpGlobals(), ...renderPolicies(view), renderRouterBgp(view)]
  return {
    integrated: printSections([
      [...preamble, line('service integrated-vtysh-config')],
      ...zebra,
      ...bfd,
      ...bgp,
    ]),
    daemons: {
      zebra: printSections([preamble, ...zebra]),
      bgpd: printSections([preamble, ...bgp]),
      bfdd: printSections([preamble, ...bfd]),
    },
  }
}
