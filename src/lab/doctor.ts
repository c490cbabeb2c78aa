import { readFile } from 'node:fs/promises'
import { availableParallelism, freemem } from 'node:os'
import { listNamespaces } from '../linux/namespace.ts'
import type { Plan } from '../plan/model.ts'
import { bfdCores } from './bfd-budget.ts'
import type { Check } from './check.ts'
import { checkKernel } from './doctor-kernel.ts'
import { checkTools } from './doctor-tools.ts'
import { namespacesOfLab } from './names.ts'
import { listLabs, readState } from './state.ts'
import { findLeftovers } from './teardown.ts'

/** Private memory of zebra, bgpd and bfdd of one router with small tables, measured with FRR 8.4. */
const memoryPerRouterMiB = 25

/** Looks whether this machine can run labs, or the given plan in particular. */
export async function examineMachine(plan: Plan | null): Promise<Check[]> {
  const root = checkRoot()
  const tools = await checkTools(plan?.frr ?? null)
  const kernel = root.status === 'ok' ? await checkKernel() : []
  return [
    root,
    ...tools,
    ...kernel,
    ...(await checkLimits(plan)),
    ...(plan === null ? [] : checkCapacity(plan)),
    // Whose processes they are, only root can see: to others every lab looks half removed.
    ...(root.status === 'ok' ? await checkRemains() : []),
  ]
}

function checkRoot(): Check {
  if (process.getuid?.() === 0) return { name: 'privilege', status: 'ok', found: 'root' }
  return {
    name: 'privilege',
    status: 'fail',
    found: `user ${process.getuid?.() ?? 'unknown'}`,
    mend: 'run as root, for example: sudo weft lab doctor (what needs root was not tried)',
  }
}

async function checkLimits(plan: Plan | null): Promise<Check[]> {
  const routers = plan?.devices.length ?? 50
  const processes = routers * 3 * 4
  return [
    await checkNumber(
      'process ids',
      '/proc/sys/kernel/pid_max',
      processes,
      'sysctl -w kernel.pid_max=4194304',
    ),
    await checkNumber(
      'threads',
      '/proc/sys/kernel/threads-max',
      processes,
      'sysctl -w kernel.threads-max=500000',
    ),
    await checkNumber('open files', '/proc/sys/fs/file-max', routers * 150, 'sysctl -w fs.file-max=1000000'),
  ]
}

async function checkNumber(name: string, path: string, needed: number, mend: string): Promise<Check> {
  const limit = Number((await readFile(path, 'utf8').catch(() => '')).trim())
  const found = `limit ${limit}, about ${needed} needed`
  return limit >= needed ? { name, status: 'ok', found } : { name, status: 'warn', found, mend }
}

function checkCapacity(plan: Plan): Check[] {
  const neededMiB = plan.devices.length * memoryPerRouterMiB
  const freeMiB = Math.round(freemem() / 2 ** 20)
  const memory = `${plan.devices.length} routers need about ${neededMiB} MiB, ${freeMiB} MiB are free`
  const cores = availableParallelism()
  const bfd = bfdCores(plan)
  const processor = `BFD as planned needs ${bfd.toFixed(2)} of ${cores} cores`
  const smaller = 'try a smaller lab with the same roles: weft lab up --sample'
  return [
    neededMiB < freeMiB * 0.8
      ? { name: 'memory', status: 'ok', found: memory }
      : { name: 'memory', status: 'warn', found: memory, mend: smaller },
    bfd <= cores * 0.3
      ? { name: 'processor', status: 'ok', found: processor }
      : {
          name: 'processor',
          status: 'warn',
          found: processor,
          mend: 'nothing to do: the lab slows BFD down by itself and says so; --no-bfd or --sample avoid it',
        },
  ]
}

/** Labs that are no longer whole, and namespaces that belong to none. */
async function checkRemains(): Promise<Check[]> {
  const labs = await listLabs()
  const checks: Check[] = []
  const namespaces = await listNamespaces()
  for (const lab of labs) {
    const state = await readState(lab).catch(() => null)
    const found = await findLeftovers(lab)
    const isWhole = state?.phase === 'up' && found.namespaces.length > 0
    const facts = `${found.namespaces.length} namespaces, ${found.pids.length} processes`
    checks.push(
      isWhole
        ? { name: `lab ${lab}`, status: 'ok', found: `up: ${facts}` }
        : {
            name: `lab ${lab}`,
            status: 'warn',
            found: `half built, half removed or gone with a reboot: ${facts}`,
            mend: `if no command is working on it: weft lab down ${lab}`,
          },
    )
  }
  const owned = new Set(labs.flatMap((lab) => namespacesOfLab(lab, labs, namespaces)))
  const orphans = namespaces.filter((name) => name.startsWith('weft-') && !owned.has(name))
  if (orphans.length > 0)
    checks.push({
      name: 'leftovers',
      status: 'warn',
      found: `${orphans.length} namespaces of no known lab: ${orphans.slice(0, 3).join(', ')}`,
      mend: 'weft lab down NAME removes those that begin with weft-NAME-',
    })
  return checks
}
