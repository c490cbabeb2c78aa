import { WeftError } from '../../diagnostics/error.ts'
import { findNearest } from '../../intent/nearest.ts'
import { type FaultGrammar, type FaultInput, type FaultOption, faultGrammar } from './grammar.ts'
import type { FaultSpec } from './model.ts'

/** Reads a fault from words, such as `link a--b silent from a bfd`; options may have their dashes, as on the command line. */
export function parseFault(words: readonly string[]): FaultSpec {
  const [first, ...rest] = words
  const grammar = faultGrammar.find(({ word }) => word === first)
  if (grammar === undefined) {
    const known = faultGrammar.map(({ word }) => word)
    const nearest = first === undefined ? null : findNearest(first, known)
    throw refuse(
      first === undefined ? 'nothing was said about what fails' : `"${first}" is nothing that can fail`,
      nearest === null ? `a fault begins with one of: ${known.join(', ')}` : `did you mean ${nearest}?`,
    )
  }
  const args: string[] = []
  const options: Record<string, string | true> = {}
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!
    const [name, inline] = splitOption(word)
    const option = grammar.options.find((candidate) => candidate.name === name)
    if (option === undefined) {
      if (word.startsWith('--') || args.length === grammar.arguments.length) throw unknownWord(grammar, name)
      args.push(word)
    } else if (option.value === undefined) options[name] = true
    else {
      const value = inline ?? rest[++i]
      if (value === undefined) throw refuse(`"${name}" needs a ${option.value}`, exampleOf(grammar))
      options[name] = value
    }
  }
  return buildFault(grammar, args, options)
}

/** Builds a fault from arguments and options that were told apart already. */
export function buildFault(
  grammar: FaultGrammar,
  args: readonly string[],
  options: Readonly<Record<string, string | true | undefined>>,
): FaultSpec {
  const missing = grammar.arguments[args.length]
  if (missing !== undefined)
    throw refuse(`"${grammar.word}" needs a ${missing.name} (${missing.summary})`, exampleOf(grammar))
  for (const [index, { name, choices }] of grammar.arguments.entries())
    if (choices !== undefined && !choices.includes(args[index]!))
      throw refuse(`"${args[index]}" is no ${name}`, `it is one of: ${choices.join(', ')}`)
  const said = grammar.options.filter(({ name }) => options[name] !== undefined)
  return grammar.build({ arguments: args, options, ...readers(grammar, options, said) })
}

function readers(
  grammar: FaultGrammar,
  options: FaultInput['options'],
  said: readonly FaultOption[],
): Pick<FaultInput, 'number' | 'one' | 'only'> {
  return {
    number(name, read, example, absent) {
      const text = options[name]
      if (text === undefined && absent !== undefined) return absent
      const value = typeof text === 'string' ? read(text) : null
      if (value !== null) return value
      throw refuse(
        `"${text}" is no ${grammar.options.find((option) => option.name === name)?.value}`,
        `write it like ${name} ${example}`,
      )
    },
    one(names, absent) {
      const found = names.filter((name) => options[name] !== undefined)
      if (found.length > 1) throw refuse(`"${found.join('" and "')}" exclude each other`, exampleOf(grammar))
      return found[0] ?? absent
    },
    only(names, beside) {
      const stray = said.find(({ name }) => !names.includes(name))
      if (stray !== undefined)
        throw refuse(`"${stray.name}" means nothing beside "${beside}"`, `${stray.name}: ${stray.summary}`)
    },
  }
}

function splitOption(word: string): [name: string, inline: string | undefined] {
  const bare = word.replace(/^--/, '')
  const equals = bare.indexOf('=')
  return equals < 0 ? [bare, undefined] : [bare.slice(0, equals), bare.slice(equals + 1)]
}

function unknownWord(grammar: FaultGrammar, word: string): WeftError {
  const known = grammar.options.map(({ name }) => name)
  const nearest = findNearest(word, known)
  return refuse(
    `"${word}" says nothing about a ${grammar.word}`,
    nearest !== null ? `did you mean ${nearest}?` : exampleOf(grammar),
  )
}

function exampleOf({ example }: FaultGrammar): string {
  return `for example: ${example}`
}

function refuse(message: string, hint: string): WeftError {
  return new WeftError('WEFT_LAB_FAULT_WORDS', message, { hint, exitCode: 2 })
}
