import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import type { ExitCode } from '../diagnostics/error.ts'

/*
 * The command line as a tree. A command's module is imported only when the command is named, so that `weft --help`
 * and small commands start without schema, planner and lab.
 */

interface CommandEntry {
  name: string
  summary: string
  load: () => Promise<Command>
  /** Exit code for input and usage that are wrong, where 2 means something else. */
  badInput?: ExitCode
}

const commands: readonly CommandEntry[] = [
  {
    name: 'init',
    summary: 'write a commented starter weft.yaml',
    load: async () => (await import('./init.ts')).initCommand(),
  },
  {
    name: 'plan',
    summary: 'show what the intent becomes: capacity, devices, sessions, prefixes',
    load: async () => (await import('./plan.ts')).planCommand(),
  },
  {
    name: 'verify',
    summary: 'judge the plan before it is deployed: checks, expectations, failures',
    load: async () => (await import('./verify.ts')).verifyCommand(),
    badInput: 3,
  },
  {
    name: 'trace',
    summary: 'follow packets through the planned fabric, over every equal path',
    load: async () => (await import('./trace.ts')).traceCommand(),
  },
  {
    name: 'routes',
    summary: 'show who has a route to a prefix, and over which next hops',
    load: async () => (await import('./routes.ts')).routesCommand(),
  },
  {
    name: 'explain',
    summary: 'explain a route or a session: what decided, and which filter refused',
    load: async () => (await import('./explain.ts')).explainCommand(),
  },
  {
    name: 'load',
    summary: 'say how traffic spreads over links and places where it ends',
    load: async () => (await import('./load.ts')).loadCommand(),
  },
  {
    name: 'render',
    summary: 'write the FRR configuration of every device',
    load: async () => (await import('./render.ts')).renderCommand(),
  },
  {
    name: 'lab',
    summary: 'run the planned fabric on this machine, with real routers',
    load: async () => (await import('./lab.ts')).labCommand(),
  },
  {
    name: 'drill',
    summary: 'break the lab under measured traffic and judge what it cost',
    badInput: 3,
    load: async () => (await import('./drill.ts')).drillCommand(),
  },
  {
    name: 'why',
    summary: 'say where a Service is announced, and if not, why not and what to do',
    load: async () => (await import('./why.ts')).whyCommand(),
  },
  {
    name: 'agent',
    summary: 'look at the agents that announce Services',
    load: async () => (await import('./agent.ts')).agentCommand(),
  },
  {
    name: 'drain',
    summary: 'take a node out of service without losing a packet',
    load: async () => (await import('./drain.ts')).drainCommand(),
  },
  {
    name: 'undrain',
    summary: 'bring a drained node back',
    load: async () => (await import('./drain.ts')).undrainCommand(),
  },
  {
    name: 'frr',
    summary: 'restart FRR on a node without losing a packet',
    load: async () => (await import('./frr.ts')).frrCommand(),
  },
  {
    name: 'tour',
    summary: 'see it all at work: two datacenters, a Service across them, and what failures cost',
    load: async () => (await import('./tour.ts')).tourCommand(),
  },
  {
    name: 'schema',
    summary: 'print the JSON Schema of weft.yaml, for editors',
    load: async () => (await import('./schema.ts')).schemaCommand(),
  },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    load: async () => (await import('./completion.ts')).completionCommand(loadProgram),
  },
]

/** The program with the modules of the named commands loaded; all others are there by name and summary only. */
export async function loadProgram(isWanted: (name: string) => boolean): Promise<Command> {
  const program = new Command('weft')
    .description('A natively routed Kubernetes network across datacenters, from one written intent.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .addOption(
      new Option('-o, --output <format>', 'how results are printed')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--no-color', 'plain text even on a terminal')
    .addHelpText('after', '\nweft <command> --help explains a command. Start with: weft init && weft plan')
  for (const { name, summary, load } of commands) {
    const command = isWanted(name) ? await load() : new Command(name)
    program.addCommand(command.name(name).summary(summary))
  }
  return program
}

/** The command that a command line names, or undefined: the first word that is neither an option nor its value. */
export function findCommandName(args: readonly string[]): string | undefined {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '-o' || arg === '--output') i++
    else if (!arg.startsWith('-')) return arg
  }
  return undefined
}

/** What a command exits with when its input or command line is wrong. */
export function badInputCode(name: string | undefined): ExitCode {
  return commands.find((command) => command.name === name)?.badInput ?? 2
}

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
