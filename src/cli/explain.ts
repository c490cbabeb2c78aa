import { Command } from 'commander'
import { readDocument } from '../intent/document.ts'
import { pathOf } from '../intent/problem.ts'
import type { Plan } from '../plan/model.ts'
import { type Barrier, findBarrier } from '../verify/explain/barrier.ts'
import { explainRoute, type RouteExplanation } from '../verify/explain/explain-route.ts'
import { type Direction, explainSession, type SessionExplanation } from '../verify/explain/explain-session.ts'
import { describeTerm, placeOf, termOf } from '../verify/explain/intent-place.ts'
import type { Refusal } from '../verify/simulate/exchange.ts'
import { readText } from './files.ts'
import { type Output, openOutput, paint } from './output.ts'
import { requireDevice } from './plan-devices.ts'
import { readPrefixArgument } from './prefix-argument.ts'
import {
  addSimulationOptions,
  type SimulatedFabric,
  type SimulationOptions,
  simulateFabric,
} from './simulated-fabric.ts'
import { formatTable } from './table.ts'

interface RouteOptions extends SimulationOptions {
  on: string
}

/** `weft explain`. */
export function explainCommand(): Command {
  return new Command('explain')
    .description(
      'Explains a route or a session of the planned fabric: what decided, which filter refused, where it is written.',
    )
    .addCommand(routeCommand())
    .addCommand(sessionCommand())
}

function routeCommand(): Command {
  return addSimulationOptions(
    new Command('route')
      .description(
        'Every path a device has to a prefix, the step of FRR’s decision that put it aside, and every announcement ' +
          'that was refused, with the filter and the line of the intent behind it. Exit code 1 when there is no route.',
      )
      .argument('<prefix>', 'prefix or address; of an address, the longest match anywhere in the fabric'),
  )
    .requiredOption('--on <device>', 'whose table')
    .addHelpText(
      'after',
      `
Examples:
  weft explain route 10.20.19.0/24 --on dc1-spine1
  weft explain route 10.10.21.5 --on isp-a
  weft explain route 10.10.19.1/32 --on dc1-compute2-leaf1 --fail dc1-spine1`,
    )
    .action(async (text: string, options: RouteOptions, command: Command) => {
      const output = openOutput(command)
      const fabric = await simulateFabric(options, output)
      const device = requireDevice(fabric.plan, options.on).name
      const prefix = findPrefix(fabric, text)
      const explanation = explainRoute(fabric.plane, device, prefix)
      const locate = await locator(options.file)
      const barrier = explanation.paths.length === 0 ? findBarrier(fabric.plane, device, prefix) : null
      if (output.format === 'json') output.printJson({ ...toJson(explanation, fabric.plan, locate), barrier })
      else {
        printRoute(explanation, fabric.plan, locate, output)
        if (barrier !== null) printBarrier(barrier, fabric.plan, prefix, locate, output)
      }
      if (explanation.paths.length === 0) process.exitCode = 1
    })
}

function sessionCommand(): Command {
  return addSimulationOptions(
    new Command('session')
      .description(
        'The BGP session between two devices: what both ends agree on, and what passes and is refused in each ' +
          'direction. Exit code 1 when it does not come up.',
      )
      .argument('<a>', 'device')
      .argument('<b>', 'device'),
  )
    .addHelpText(
      'after',
      `
Examples:
  weft explain session dc1-border1 dc1-dci1
  weft explain session dc1-edge1 isp-a -o json`,
    )
    .action(async (a: string, b: string, options: SimulationOptions, command: Command) => {
      const output = openOutput(command)
      const fabric = await simulateFabric(options, output)
      const [one, other] = [requireDevice(fabric.plan, a).name, requireDevice(fabric.plan, b).name]
      const explanation = explainSession(fabric.plane, one, other)
      if (output.format === 'json') output.printJson(sessionJson(explanation))
      else printSession(explanation, fabric.plan, output)
      if (explanation.sessions.length === 0) process.exitCode = 1
    })
}

function findPrefix({ plane }: SimulatedFabric, argument: string): string {
  const { text, isAddress } = readPrefixArgument(argument)
  if (!isAddress) return text
  const known = plane.covering(text).find((prefix) => plane.table(prefix).entries.size > 0)
  return known ?? `${text}/${text.includes(':') ? 128 : 32}`
}

type Locate = (path: string) => string

/** Path in the intent → `weft.yaml:12`. */
async function locator(file: string): Promise<Locate> {
  const document = readDocument(await readText(file, 'name the file with --file'), file)
  return (path) => `${file}:${document.positionOf(pathOf(path)).line}`
}

function printRoute(
  { router, prefix, paths, nextHops, refused, withoutRoute, dependsOnOrder }: RouteExplanation,
  plan: Plan,
  locate: Locate,
  output: Output,
): void {
  output.print(`${paint(output, 'bold', prefix)} on ${paint(output, 'bold', router)}\n\n`)
  if (paths.length === 0) output.print(paint(output, 'yellow', 'no route'))
  else {
    const rank = { best: 0, equal: 1, lost: 2, 'next hop unreachable': 3 }
    output.print(
      formatTable(
        paths.toSorted((a, b) => rank[a.standing] - rank[b.standing]),
        [
          { header: 'FROM', value: ({ from, source }) => from ?? `itself (${source})` },
          { header: 'STANDING', value: ({ standing }) => standing },
          {
            header: 'BECAUSE',
            value: ({ standing, step, had, against }) =>
              standing === 'lost' ? `${step}: ${had || 'empty'} against ${against || 'empty'}` : null,
          },
          { header: 'AS PATH', value: ({ route }) => route.asPath.join(' ') },
          { header: 'PREF', value: ({ route }) => route.localPreference, align: 'right' },
          { header: 'COMMUNITIES', value: ({ route }) => communitiesOf(plan, route), isOptional: true },
        ],
      ),
    )
    if (nextHops.length > 0)
      output.print(
        `\nnext hops  ${nextHops.map(({ interface: name, router: to, weight }) => `${to} (${name}${weight === 1 ? '' : `, weight ${weight}`})`).join(', ')}`,
      )
    if (dependsOnOrder)
      output.print(
        paint(output, 'yellow', 'order      what it has depends on which path a neighbour learned first'),
      )
  }
  if (refused.length > 0) {
    output.print('\nannounced and refused, or not announced:')
    for (const { from, at, refusal } of refused)
      output.print(describeRefusal(plan, from, router, at, refusal, locate))
  }
  if (withoutRoute.length > 0)
    output.print(
      `\nneighbours without it: ${withoutRoute.slice(0, 10).join(' ')}${withoutRoute.length > 10 ? ' …' : ''}`,
    )
}

function describeRefusal(
  plan: Plan,
  from: string,
  router: string,
  at: string,
  refusal: Refusal,
  locate: Locate,
): string {
  const [device, sender] = [requireDevice(plan, router), requireDevice(plan, from)]
  const term = termOf(plan, requireDevice(plan, at), refusal)
  const place = placeOf(plan, device, sender, refusal)
  const filter = refusal.filter === null ? '' : ` ${refusal.filter}`
  const entry =
    refusal.reason !== 'route map'
      ? ''
      : refusal.sequence === null
        ? ', no entry permits it'
        : ` entry ${refusal.sequence}`
  const words = term === null ? '' : ` (${describeTerm(term)})`
  return [
    `  ${from}: refused by ${at} on ${refusal.stage}: ${refusal.reason}${filter}${entry}${words}`,
    `      ${place.reason}; ${locate(place.path)} ${place.path}`,
  ].join('\n')
}

function printBarrier(
  { way, from, at, refusal }: Barrier,
  plan: Plan,
  prefix: string,
  locate: Locate,
  output: Output,
): void {
  const to = way.at(-2)!
  if (way.length > 2)
    output.print(
      `\nnearest router that has it: ${way.toReversed().join(' → ')}; it gets no further than ${from}:`,
    )
  if (way.length > 2 && refusal !== null) output.print(describeRefusal(plan, from, to, at, refusal, locate))
  if (way.length > 2) output.print(`next       weft explain route ${prefix} --on ${to}`)
}

function communitiesOf(
  plan: Plan,
  route: { largeCommunities: readonly string[]; communities: readonly string[] },
): string {
  const names = new Map(Object.entries(plan.communities).map(([name, value]) => [value, name]))
  return [
    ...route.largeCommunities.map((value) => names.get(value) ?? value),
    ...route.communities.map((value) => (value === '65535:0' ? 'GRACEFUL_SHUTDOWN' : value)),
  ].join(' ')
}

function toJson(explanation: RouteExplanation, plan: Plan, locate: Locate): object {
  return {
    ...explanation,
    refused: explanation.refused.map((entry) => {
      const place = placeOf(
        plan,
        requireDevice(plan, explanation.router),
        requireDevice(plan, entry.from),
        entry.refusal,
      )
      return { ...entry, intent: { ...place, at: locate(place.path) } }
    }),
  }
}

function printSession(
  { a, b, sessions, problems, isCabled }: SessionExplanation,
  plan: Plan,
  output: Output,
): void {
  if (sessions.length === 0) {
    output.print(paint(output, 'red', `no session between ${a} and ${b}`))
    for (const { router, neighbor, reason, detail } of problems)
      output.print(`  ${router}, neighbor ${neighbor}: ${reason} (${detail})`)
    if (!isCabled) output.print('  no cable joins them')
    return
  }
  for (const { side, directions } of sessions) {
    const { neighbor, remote, router } = side
    const peer = remote.neighbor
    output.print(
      `${paint(output, 'bold', `${a} ${side.interface}`)} to ${paint(output, 'bold', `${b} ${remote.interface}`)}: comes up`,
    )
    const rows: [string, string, string][] = [
      ['AS', `${router.asn}`, `${remote.router.asn}`],
      ['type', side.type, side.type],
      ['families', side.families.join(' '), side.families.join(' ')],
      [
        'timers',
        `${neighbor.keepaliveSeconds} ${neighbor.holdSeconds}`,
        `${peer.keepaliveSeconds} ${peer.holdSeconds}`,
      ],
      ['BFD', neighbor.bfd ?? 'off', peer.bfd ?? 'off'],
      ['MD5', neighbor.password === null ? 'off' : 'on', peer.password === null ? 'off' : 'on'],
      [
        'GTSM',
        neighbor.ttlSecurityHops === null ? 'off' : 'on',
        peer.ttlSecurityHops === null ? 'off' : 'on',
      ],
    ]
    output.print(
      formatTable(rows, [
        { header: 'END', value: ([name]) => name },
        { header: a, value: ([, value]) => value },
        { header: b, value: ([, , value]) => value },
      ]),
    )
    for (const direction of directions) output.print(describeDirection(direction, plan))
  }
}

function describeDirection({ from, to, known, sent, accepted, refused }: Direction, plan: Plan): string {
  return [
    `\n${from} → ${to}: knows ${known} prefixes, announces ${sent}, ${accepted} accepted`,
    ...refused.map(({ at, refusal, count, example }) => {
      const term = termOf(plan, requireDevice(plan, at), refusal)
      const filter = refusal.filter === null ? '' : ` ${refusal.filter}`
      const entry = refusal.sequence === null ? '' : ` entry ${refusal.sequence}`
      return `  ${`${count}`.padStart(5)} refused by ${at} on ${refusal.stage}: ${refusal.reason}${filter}${entry}${term === null ? '' : ` (${describeTerm(term)})`}, such as ${example}`
    }),
  ].join('\n')
}

function sessionJson({ a, b, sessions, problems, isCabled }: SessionExplanation): object {
  return {
    a,
    b,
    isCabled,
    problems,
    sessions: sessions.map(({ side, directions }) => ({
      interfaces: [side.interface, side.remote.interface],
      type: side.type,
      families: side.families,
      asns: [side.router.asn, side.remote.router.asn],
      bfd: [side.neighbor.bfd, side.remote.neighbor.bfd],
      directions,
    })),
  }
}
