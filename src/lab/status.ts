import type { Role } from '../plan/model.ts'
import { LabReader } from './actual.ts'
import { forEachLimited } from './concurrency.ts'
import { servicePoolsOf } from './convergence.ts'
import { type Daemon, logPath } from './daemons.ts'
import {
  compareBfd,
  compareRoutes,
  type Difference,
  type DownSession,
  findDownSessions,
  findExtraSessions,
} from './differences.ts'
import type { ActiveFault } from './faults/model.ts'
import { type PlannedDevice, plannedDevices } from './planned.ts'
import { explainSession } from './reasons.ts'
import { isRunning } from './resident.ts'
import { type LabState, type RelaxedBfd, requireState } from './state.ts'

export interface LabStatus {
  lab: string
  phase: LabState['phase']
  createdAt: string
  /** True when the lab is exactly what the plan says. */
  isAsPlanned: boolean
  /** Worst first: dead daemons, sessions, BFD, routes. */
  differences: Difference[]
  roles: RoleStatus[]
  /** Service addresses announced by agents, summed over all tables. */
  dynamicRoutes: number
  relaxedBfd: RelaxedBfd[]
  faults: ActiveFault[]
  /** A change was being applied and did not come to its end. */
  isHalfApplied: boolean
}

export interface RoleStatus {
  role: Role
  devices: number
  sessions: Count
  bfd: Count
  routes: Count
}

export interface Count {
  planned: number
  actual: number
}

interface DeviceStatus {
  role: Role
  planned: PlannedDevice
  differences: Difference[]
  down: DownSession[]
  bfdDown: number
  wrongRoutes: number
  dynamic: number
}

/** Sessions whose reason is looked up; each costs a few milliseconds and nobody reads more. */
const maxExplained = 40

/** Compares a running lab with its plan, everything with everything. */
export async function readStatus(lab: string): Promise<LabStatus> {
  const state = await requireState(lab)
  const reader = new LabReader(lab)
  try {
    const planned = plannedDevices(state.plan, { pods: state.hasPods })
    const devices: DeviceStatus[] = []
    await forEachLimited(state.plan.devices, 8, async ({ name, role }) => {
      devices.push(await readDevice(state, reader, role, planned.get(name) as PlannedDevice))
    })
    const order = [...planned.keys()]
    devices.sort((a, b) => order.indexOf(a.planned.device) - order.indexOf(b.planned.device))
    const explained = await explainDown(
      lab,
      reader,
      devices.flatMap((device) => device.down),
    )
    const differences = [
      ...deadProcesses(state),
      ...devices.flatMap((device) => device.differences.filter(({ kind }) => kind === 'daemon')),
      ...explained,
      ...devices.flatMap((device) => device.differences.filter(({ kind }) => kind !== 'daemon')),
    ]
    return {
      lab,
      phase: state.phase,
      createdAt: state.createdAt,
      isAsPlanned: state.phase === 'up' && differences.length === 0,
      differences,
      roles: countRoles(devices),
      dynamicRoutes: devices.reduce((sum, device) => sum + device.dynamic, 0),
      relaxedBfd: state.relaxedBfd,
      faults: state.faults,
      isHalfApplied: state.applying !== undefined,
    }
  } finally {
    reader.close()
  }
}

async function readDevice(
  state: LabState,
  reader: LabReader,
  role: Role,
  planned: PlannedDevice,
): Promise<DeviceStatus> {
  const { device } = planned
  const expected = state.hasBfd ? ['zebra', 'bgpd', 'bfdd'] : ['zebra', 'bgpd']
  const dead = (await reader.deadDaemons(device)).filter((name) => expected.includes(name))
  const sessions = (await reader.sessions(device)) ?? []
  const bfd = compareBfd(planned, (await reader.bfdPeers(device)) ?? [])
  const table = await reader.routes(device, planned.families)
  const kernel = await reader.kernelRoutes(device, planned.families).catch(() => null)
  const routes =
    table === null
      ? { differences: [], dynamic: 0 }
      : compareRoutes(planned, table, kernel, servicePoolsOf(state.plan))
  return {
    role,
    planned,
    differences: [
      ...dead.map((name): Difference => deadDaemon(state.name, device, name, kernel?.size ?? 0)),
      ...findExtraSessions(planned, sessions),
      // A dead bfdd or bgpd is one finding, not one for each of its sessions.
      ...(dead.includes('bfdd') ? [] : bfd),
      ...routes.differences,
    ],
    down: dead.includes('bgpd') ? [] : findDownSessions(planned, sessions),
    bfdDown: bfd.filter(({ planned: wanted }) => wanted === 'up').length,
    wrongRoutes:
      table === null
        ? planned.routes.size
        : new Set(routes.differences.map(({ subject }) => subject).filter((name) => planned.routes.has(name)))
            .size,
    dynamic: routes.dynamic,
  }
}

function deadDaemon(lab: string, device: string, daemon: Daemon, kernelRoutes: number): Difference {
  const log = `its log: ${logPath(lab, device, daemon)}`
  const why =
    daemon !== 'bfdd' && kernelRoutes > 0
      ? `FIB frozen: the kernel keeps ${kernelRoutes} routes of BGP that nobody updates; ${log}`
      : log
  return { device, kind: 'daemon', subject: daemon, planned: 'running', actual: 'does not answer', why }
}

function deadProcesses(state: LabState): Difference[] {
  return state.processes
    .filter((process) => !isRunning(process))
    .map(({ device, name, log }) => ({
      device,
      kind: 'process',
      subject: name,
      planned: 'running',
      actual: 'ended',
      why: `its log: ${log}`,
    }))
}

async function explainDown(
  lab: string,
  reader: LabReader,
  down: readonly DownSession[],
): Promise<Difference[]> {
  return await Promise.all(
    down.map(async (entry, index): Promise<Difference> => {
      const { device, session, state } = entry
      const why =
        index < maxExplained ? await explainSession(lab, reader, entry).catch(() => undefined) : undefined
      return {
        device,
        kind: 'session',
        subject: `${session.interface} to ${session.peerDevice}`,
        planned: 'Established',
        actual: state,
        ...(why === undefined ? {} : { why }),
      }
    }),
  )
}

function countRoles(devices: readonly DeviceStatus[]): RoleStatus[] {
  return [...Map.groupBy(devices, (device) => device.role)]
    .map(([role, members]): RoleStatus => {
      const sum = (count: (device: DeviceStatus) => number) =>
        members.reduce((total, device) => total + count(device), 0)
      const sessions = sum((device) => device.planned.sessions.length)
      const bfd = sum((device) => device.planned.sessions.filter((session) => session.hasBfd).length)
      const routes = sum((device) => device.planned.routes.size)
      return {
        role,
        devices: members.length,
        sessions: { planned: sessions, actual: sessions - sum((device) => lostSessions(device)) },
        bfd: { planned: bfd, actual: bfd - sum((device) => device.bfdDown) },
        routes: { planned: routes, actual: routes - sum((device) => device.wrongRoutes) },
      }
    })
    .sort((a, b) => roleOrder.indexOf(a.role) - roleOrder.indexOf(b.role))
}

const roleOrder: readonly Role[] = [
  'super-spine',
  'spine',
  'leaf',
  'border-leaf',
  'dci-router',
  'edge-router',
  'external',
  'node',
]

function lostSessions(device: DeviceStatus): number {
  const isDead = device.differences.some(({ kind, subject }) => kind === 'daemon' && subject === 'bgpd')
  return isDead ? device.planned.sessions.length : device.down.length
}
