import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { Command, Option } from 'commander'
import { WeftError } from '../diagnostics/error.ts'
import {
  type ConfigFile,
  type ConfigFinding,
  type ConfigJudgement,
  judgeConfigs,
} from '../verify/configs/judge-configs.ts'
import { linksFileNames } from '../verify/configs/links.ts'
import { errorCode, fileError } from './files.ts'
import { type Output, openOutput, paint } from './output.ts'
import { readPrefixArgument } from './prefix-argument.ts'
import { formatTable } from './table.ts'

interface VerifyConfigsOptions {
  routes?: string
  all?: boolean
  defaults: 'traditional' | 'datacenter'
  frr: string
}

const exitCodes = { ok: 0, violated: 1, undecided: 2 } as const

/** A folder with more than this is not one of router configurations. */
const mostFiles = 20_000

/** `weft verify configs`. */
export function verifyConfigsCommand(): Command {
  return new Command('configs')
    .description(
      'Reads the FRR configurations of a folder, rendered by Weft or written by anybody, and judges them together: ' +
        'sessions that cannot form, filters that do not exist, sessions that pass nothing, limits that will close one. ' +
        'What is not understood is listed with its line and leaves the verdict open.',
    )
    .argument('<folder>', 'one file or folder for each router; a file "links" says how they are cabled')
    .option('--routes <prefix>', 'show who has this prefix, and over which next hops')
    .addOption(
      new Option('--defaults <profile>', 'profile of files without "frr defaults"')
        .choices(['traditional', 'datacenter'])
        .default('traditional'),
    )
    .option('--frr <release>', 'release of files without "frr version"', '8.4')
    .option('--all', 'list every finding and every statement that was not understood')
    .addHelpText(
      'after',
      `
Files: *.conf, *.cfg, *.txt; <router>/frr.conf; or zebra.conf and bgpd.conf of one router in one folder.
Cables of unnumbered neighbours come from the file "links", else from descriptions that name the other router:
  leaf1 eth1 spine1 eth3        one cable a line
  kernel n1 10.244.1.0/24       a prefix that the kernel of n1 has (for redistribute kernel)
  outside edge1 192.0.2.1       this neighbour belongs to others, and is not in the folder on purpose

Exit codes: 0 ok, 1 violated, 2 undecided, 3 bad input

Examples:
  weft verify configs /etc/frr-backup
  weft render --out conf && weft verify configs conf
  weft verify configs ./found --routes 10.10.21.0/24 -o json`,
    )
    .action(async (folder: string, options: VerifyConfigsOptions, command: Command) => {
      const output = openOutput(command)
      const routes = options.routes === undefined ? undefined : prefixOf(options.routes)
      const judgement = judgeConfigs(await readFolder(folder), {
        profile: options.defaults,
        release: readRelease(options.frr),
      })
      if (output.format === 'json') output.printJson(toJson(judgement, routes))
      else print(judgement, folder, { ...options, routes }, output)
      process.exitCode = exitCodes[judgement.verdict]
    })
}

function prefixOf(argument: string): string {
  const { text, isAddress } = readPrefixArgument(argument)
  return isAddress ? `${text}/${text.includes(':') ? 128 : 32}` : text
}

function readRelease(text: string): { major: number; minor: number } {
  const found = /^(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (found !== null) return { major: Number(found[1]), minor: Number(found[2]) }
  throw new WeftError('WEFT_USAGE', `"${text}" is no FRR release`, { hint: '--frr 10.3', exitCode: 2 })
}

async function readFolder(folder: string): Promise<ConfigFile[]> {
  const paths = await listFiles(folder)
  if (paths.length === 0)
    throw new WeftError('WEFT_CONFIGS_EMPTY', `${folder} holds no configuration`, {
      hint: 'expected files such as leaf1.conf or leaf1/frr.conf',
      exitCode: 2,
    })
  return await Promise.all(
    paths.map(async (path) => ({ path: relative(folder, path), text: await readFile(path, 'utf8') })),
  )
}

async function listFiles(folder: string): Promise<string[]> {
  try {
    if (!(await stat(folder)).isDirectory())
      throw new WeftError('WEFT_CONFIGS_EMPTY', `${folder} is a file, expected a folder`, {
        hint: 'put the configurations of all routers into one folder',
        exitCode: 2,
      })
    const found: string[] = []
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const isConfig = /\.(conf|cfg|txt)$/.test(entry.name) || linksFileNames.includes(entry.name)
      // Other files of a rendered device; and those that only switch daemons on.
      if (
        !entry.isFile() ||
        !isConfig ||
        /^(sysctl|vtysh|daemons|support_bundle_commands)\.conf$/.test(entry.name)
      )
        continue
      found.push(join(entry.parentPath, entry.name))
      if (found.length > mostFiles)
        throw new WeftError('WEFT_CONFIGS_EMPTY', `${folder} holds more than ${mostFiles} files`, {
          hint: 'name the folder that holds the configurations only',
          exitCode: 2,
        })
    }
    return preferIntegrated(found.sort())
  } catch (error) {
    if (errorCode(error) === 'ENOENT')
      throw new WeftError('WEFT_FILE_MISSING', `${folder}: no such folder`, {
        hint: 'name a folder with one configuration for each router',
        exitCode: 2,
      })
    throw fileError(folder, error)
  }
}

/** Weft writes a router both ways, as one file and one for each daemon: the one file says it all. */
function preferIntegrated(paths: readonly string[]): string[] {
  const whole = new Set(
    paths
      .filter((path) => path.endsWith('/frr.conf'))
      .flatMap((path) => [path.slice(0, -'frr.conf'.length), `${path.slice(0, -'.conf'.length)}/`]),
  )
  return paths.filter((path) => {
    const [, folder, name] = /^(.*\/)([^/]+)$/.exec(path) ?? [null, '', path]
    return !(whole.has(folder!) && /^(zebra|bgpd|bfdd|staticd|mgmtd)\.conf$/.test(name!))
  })
}

function print(
  judgement: ConfigJudgement,
  folder: string,
  { routes, all = false }: { routes: string | undefined; all?: boolean },
  output: Output,
): void {
  const { routers, statements, understood, sessions, prefixes, unsupported } = judgement
  output.print(
    `${folder}: ${routers} ${routers === 1 ? 'router' : 'routers'}, ${understood} of ${statements} statements understood, ${sessions.up} of ${sessions.configured} session ends up, ${prefixes} prefixes\n`,
  )
  const styles = { violated: 'red', open: 'yellow', note: 'dim' } as const
  for (const group of groupsOf(judgement.findings)) {
    const [first, ...others] = group
    output.print(`${paint(output, styles[first!.kind], first!.kind)} ${placeOf(first!)}\n  ${first!.message}`)
    for (const finding of all ? others : []) output.print(`  ${placeOf(finding)}: ${finding.message}`)
    if (others.length > 0 && !all)
      output.print(
        `  and ${others.length} more of this kind: ${others.slice(0, 4).map(placeOf).join(', ')}${others.length > 4 ? ', …' : ''}`,
      )
    if (first!.mend !== '') output.print(paint(output, 'cyan', `  hint: ${first!.mend}`))
  }
  if (unsupported.length > 0) {
    output.print(`\nnot understood, so nothing that depends on it can be judged:`)
    for (const { file, line, text, why } of unsupported.slice(0, all ? unsupported.length : 12))
      output.print(`  ${file}:${line}: ${text === '' ? '' : `${text}: `}${why}`)
    if (!all && unsupported.length > 12) output.print(`  … ${unsupported.length - 12} more: --all`)
  }
  if (routes !== undefined) output.print(`\n${formatRoutes(judgement, routes)}`)
  const verdict = paint(output, judgement.verdict === 'ok' ? 'green' : 'red', judgement.verdict)
  output.print(`\n${verdict}`)
}

/** One example of each kind, the gravest first; the rest are counted. */
function groupsOf(findings: readonly ConfigFinding[]): ConfigFinding[][] {
  const order = { violated: 0, open: 1, note: 2 }
  return [...Map.groupBy(findings, ({ kind, rule }) => `${kind} ${rule}`).values()].sort(
    ([a], [b]) => order[a!.kind] - order[b!.kind],
  )
}

function placeOf({ file, line, router }: ConfigFinding): string {
  if (file === '') return router
  return line === null ? `${file} (${router})` : `${file}:${line} (${router})`
}

interface RouteRow {
  router: string
  nextHops: string[]
  asPath: readonly number[]
}

function routeRows({ plane }: ConfigJudgement, prefix: string): RouteRow[] {
  return [...plane.table(prefix).entries].map(([router, { decision }]) => ({
    router,
    nextHops: decision.multipath.flatMap(({ from }) => (from === null ? [] : [from.remote.router.name])),
    asPath: decision.best.route.asPath,
  }))
}

function formatRoutes(judgement: ConfigJudgement, prefix: string): string {
  const rows = routeRows(judgement, prefix)
  if (rows.length === 0) return `nobody has ${prefix}`
  return formatTable(rows, [
    { header: 'ROUTER', value: ({ router }) => router },
    { header: 'WIDTH', value: ({ nextHops }) => nextHops.length || null, align: 'right' },
    { header: 'NEXT HOPS', value: ({ nextHops }) => nextHops.join(' ') || 'itself' },
    { header: 'AS PATH', value: ({ asPath }) => asPath.join(' ') },
  ])
}

function toJson(judgement: ConfigJudgement, routes: string | undefined): object {
  const { plane: _, ...rest } = judgement
  return { ...rest, ...(routes === undefined ? {} : { routes: routeRows(judgement, routes) }) }
}
