import { readActual } from '../../src/agent/actual.ts'
import { applyChanges } from '../../src/agent/apply.ts'
import { everyAddress, planChanges } from '../../src/agent/changes.ts'
import { parseAgentConfig } from '../../src/agent/config.ts'
import type { Announce } from '../../src/agent/desired/decision.ts'
import { PortGuard } from '../../src/agent/port-guard/port-guard.ts'
import { FrrDaemon } from '../../src/frr/daemon.ts'
import { IpSession } from '../../src/linux/ip-session.ts'

/*
 * One pass over everything, in a process that kills itself (as kill -9 would) before its n-th step: the n-th time that
 * it is about to ask FRR, the kernel's addresses or the guard for a change. Prints `done` when it got to the end.
 */

const [configText = '', announcedText = '[]', stepText = '0'] = process.argv.slice(2)
const parsed = parseAgentConfig(configText)
if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems))
const { config } = parsed
const announced = new Map((JSON.parse(announcedText) as Announce[]).map((entry) => [entry.address, entry]))
let stepsLeft = Number(stepText)

function step(): void {
  if (--stepsLeft === 0) process.kill(process.pid, 'SIGKILL')
}

const daemon = new FrrDaemon('bgpd', config.frr)
const session = new IpSession()
const portGuard = new PortGuard()
const actual = await readActual(daemon, config, portGuard)
const changes = planChanges(
  everyAddress(announced.keys(), actual),
  (address) => announced.get(address),
  actual,
  () => [{ protocol: 'TCP', port: 80 }],
)
const failures = await applyChanges(changes, {
  actual,
  // One operation a step, so that being killed in the middle of a batch is tried as well.
  bgpd: {
    async configure(lines) {
      for (const line of lines) {
        step()
        await daemon.configure([line])
      }
    },
  },
  ip: {
    async apply(operations: readonly string[]) {
      const refused = []
      for (const operation of operations) {
        step()
        refused.push(...(await session.apply([operation])))
      }
      return refused
    },
  } as IpSession,
  guard: {
    async apply(edits) {
      step()
      await portGuard.apply(edits)
    },
  },
})
session.close()
portGuard.close()
daemon.close()
process.stdout.write(failures.size === 0 ? 'done\n' : `${JSON.stringify([...failures])}\n`)
