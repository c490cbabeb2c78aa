import { type Argument, Command, type Option } from 'commander'
import { openOutput } from './output.ts'

/*
 * Completion scripts, generated from the command tree: commands, their options, and the words that options and
 * arguments are limited to; everything else completes as a file name. The scripts are static: pressing Tab starts no
 * process.
 */

const shells = { bash: writeBash, zsh: writeZsh, fish: writeFish }

interface Entry {
  /** Words after `weft`, such as `lab up`. */
  path: string
  summary: string
  words: Word[]
}

interface Word {
  text: string
  summary: string
}

/** `weft completion`; the loader gives the program with every command in it. */
export function completionCommand(load: (isWanted: (name: string) => boolean) => Promise<Command>): Command {
  const command = new Command('completion')
    .description('Prints a script that completes commands and options in your shell.')
    .addHelpText(
      'after',
      `
Examples:
  weft completion bash > /etc/bash_completion.d/weft
  weft completion zsh > ~/.zfunc/_weft
  weft completion fish > ~/.config/fish/completions/weft.fish`,
    )
  for (const [shell, write] of Object.entries(shells)) {
    command
      .command(shell)
      .description(`for ${shell}`)
      .action(async (_options: object, self: Command) => {
        openOutput(self).print(write(listEntries(await load(() => true), '')))
      })
  }
  return command
}

function listEntries(command: Command, path: string): Entry[] {
  const children = command.commands.map((child) => ({ text: child.name(), summary: summaryOf(child) }))
  const globals =
    command.parent === null ? [] : rootOf(command).options.filter((option) => option.name() !== 'version')
  const options = [...command.options, ...globals].filter((option) => !option.hidden).flatMap(wordsOfOption)
  const choices = command.registeredArguments.flatMap(wordsOfArgument)
  const words = [...children, ...choices, ...options, { text: '--help', summary: 'show help' }]
  return [
    { path, summary: summaryOf(command), words },
    ...command.commands.flatMap((child) => listEntries(child, `${path} ${child.name()}`.trim())),
  ]
}

function wordsOfOption(option: Option): Word[] {
  return option.long ? [{ text: option.long, summary: option.description }] : []
}

function wordsOfArgument(argument: Argument): Word[] {
  return (argument.argChoices ?? []).map((text) => ({ text, summary: argument.description }))
}

function summaryOf(command: Command): string {
  return command.summary() || command.description()
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent)
}

function writeBash(entries: readonly Entry[]): string {
  const cases = entries.map(({ path, words }) => `    '${path}') words='${words.map(textOf).join(' ')}' ;;`)
  return `# weft completion for bash
_weft() {
  local path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${pathPatterns(entries)
  .map((pattern) => `      '${pattern}') path='${pattern.trim()}' ;;`)
  .join('\n')}
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _weft weft
`
}

function writeZsh(entries: readonly Entry[]): string {
  const cases = entries.map(({ path, words }) => {
    const described = words.map(({ text, summary }) => quote(`${text.replaceAll(':', '\\:')}:${summary}`))
    return `    '${path}') described=(${described.join(' ')}) ;;`
  })
  return `#compdef weft
# weft completion for zsh
_weft() {
  local path_='' word
  local -a described
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$path_ $word" in
${pathPatterns(entries)
  .map((pattern) => `      '${pattern}') path_='${pattern.trim()}' ;;`)
  .join('\n')}
    esac
  done
  case "$path_" in
${cases.join('\n')}
  esac
  _describe 'weft' described || _files
}
compdef _weft weft
`
}

function writeFish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, words }) => {
    const condition =
      path === ''
        ? '__fish_use_subcommand'
        : path
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and ')
    return words.map(({ text, summary }) => {
      const what = text.startsWith('--') ? `-l ${text.slice(2)}` : `-a ${quote(text)}`
      return `complete -c weft -n ${quote(condition)} ${what} -d ${quote(summary)}`
    })
  })
  return `# weft completion for fish\n${lines.join('\n')}\n`
}

/** `path word` for every command, as the shells see it while they walk along the line. */
function pathPatterns(entries: readonly Entry[]): string[] {
  return entries.filter(({ path }) => path !== '').map(({ path }) => (path.includes(' ') ? path : ` ${path}`))
}

function textOf(word: Word): string {
  return word.text
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
