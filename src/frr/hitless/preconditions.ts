import { FrrDaemon, type VtyReader } from '../daemon.ts'
import { compareConfig } from '../running-config.ts'
import { readRunningConfig } from '../show-daemon.ts'
import { asRecord, asText, showJson } from '../show-json.ts'
import type { RestartTarget } from './target.ts'

/*
 * What must hold for a restart of FRR to go unnoticed, looked at before anything is touched.
 */

export interface Obstacle {
  /** What would go wrong, and what to do about it. */
  text: string
  hint: string
}

/** Everything known to stand in the way of a hitless restart; empty when nothing does. */
export async function findObstacles(target: RestartTarget): Promise<Obstacle[]> {
  const bgpd = new FrrDaemon('bgpd', target.frr)
  try {
    const running = await readRunningConfig(bgpd)
    if (!/^ bgp graceful-restart$/m.test(running))
      return [
        {
          text: 'bgpd has no graceful restart: all its neighbors drop its routes at once',
          hint: 'nodes get it from weft render; other routers are drained before a restart',
        },
      ]
    return [
      ...(await sessionObstacles(bgpd)),
      ...configObstacles(running, target.startConfig),
      ...(target.keepsKernelRoutes
        ? []
        : [
            {
              text: 'zebra would start by removing its routes from the kernel: the node sends nothing until they are learned again',
              hint: 'add -K 60 to zebra_options in /etc/frr/daemons, as weft render writes it',
            },
          ]),
    ]
  } finally {
    bgpd.close()
  }
}

/** Both ends of a session must have agreed that the neighbor keeps our routes. */
async function sessionObstacles(bgpd: VtyReader): Promise<Obstacle[]> {
  const neighbors = asRecord(await showJson(bgpd, 'show bgp neighbors json'))
  return Object.entries(neighbors).flatMap(([neighbor, value]) => {
    const raw = asRecord(value)
    if (raw.bgpState !== 'Established') return []
    const grace = asRecord(raw.gracefulRestartInfo)
    if (!asText(grace.localGrMode).startsWith('Restart'))
      return [
        {
          text: `${neighbor} was never told that this node restarts gracefully: it drops our routes at once`,
          hint: 'the session is older than "bgp graceful-restart": drain the node, then clear bgp, or restart FRR once',
        },
      ]
    if (/^(Helper|Restart)/.test(asText(grace.remoteGrMode))) return []
    return [
      {
        text: `${neighbor} keeps no routes for a neighbor that restarts: it drops ours at once`,
        hint: 'remove graceful-restart-disable there; with FRR nothing needs to be configured for it',
      },
    ]
  })
}

/** Pure part: what the configuration that runs, and the one that will be loaded, say about it. */
export function configObstacles(running: string, startConfig: string): Obstacle[] {
  const obstacles: Obstacle[] = []
  if (!/^ bgp graceful-restart preserve-fw-state$/m.test(running))
    obstacles.push({
      text: 'bgpd does not say that the kernel goes on forwarding: leaves would drop our routes at its return',
      hint: 'add "bgp graceful-restart preserve-fw-state" under router bgp, as weft render writes it',
    })
  const extra = compareConfig(startConfig, running).unexpected
  const addresses = extra.filter(isServiceAddress)
  if (addresses.length > 0 && !/^ *bgp graceful-restart disable-eor$/m.test(startConfig))
    obstacles.push({
      text: `leaves would drop ${addresses.length} service addresses until the agent has put them back: bgpd tells them first that it has said everything`,
      hint: 'add "bgp graceful-restart disable-eor" under router bgp in FRR’s file, as weft render writes it',
    })
  const lost = extra.filter((line) => !isServiceAddress(line) && !isOfAgent(line))
  if (lost.length > 0)
    obstacles.push({
      text: `bgpd runs ${lost.length === 1 ? 'a line that is' : `${lost.length} lines that are`} not in FRR’s file and would be gone: ${lost[0]?.trim()}`,
      hint: 'put it into the file, or take it back: vtysh -c "show running-config"',
    })
  return obstacles
}

function isServiceAddress(line: string): boolean {
  return /\bnetwork \S+\/(32|128)( |$)/.test(line)
}

/** What the agent puts back by itself: the route maps of its own, and the drain. */
function isOfAgent(line: string): boolean {
  return /\broute-map VIP-\w+-\S+ |\bbgp graceful-shutdown$/.test(line)
}
