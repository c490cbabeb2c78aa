/*
 * Regular expressions of AS-path and community lists, POSIX extended as FRR compiles them, with `_` for "a border
 * between numbers".
 *
 * JavaScript's own engine would do for expressions that were written in good faith, but backtracks: a hostile file of
 * configuration could hold one that never ends. Here an expression becomes a set of states that walks over the text
 * once, so that time is bounded by length of text times length of expression.
 */

/** The expression that was given is none, or is larger than anybody needs. */
export class ExpressionError extends Error {}

type Test = (character: string) => boolean

/** A state consumes one character, splits, asserts a place in the text, or accepts. */
type State =
  | { kind: 'character'; test: Test; next: number }
  | { kind: 'split'; next: number; other: number }
  | { kind: 'start'; next: number }
  | { kind: 'end'; next: number }
  | { kind: 'separator'; next: number }
  | { kind: 'accept' }

/** States of the longest expression that is taken; repeats such as `{1000}` are written out. */
const maximumStates = 4000

type Node =
  | { kind: 'character'; test: Test }
  | { kind: 'start' | 'end' | 'border' | 'empty' }
  | { kind: 'sequence' | 'choice'; parts: Node[] }
  | { kind: 'repeat'; part: Node; least: number; most: number }

const compiled = new Map<string, (text: string) => boolean>()

/** Does the expression match somewhere in the text? Throws {@link ExpressionError} when it is none. */
export function matchesExpression(expression: string, text: string): boolean {
  let matcher = compiled.get(expression)
  if (matcher === undefined) {
    if (compiled.size > 10_000) compiled.clear()
    matcher = compileExpression(expression)
    compiled.set(expression, matcher)
  }
  return matcher(text)
}

/** Turns an expression into a matcher. */
export function compileExpression(expression: string): (text: string) => boolean {
  const states: State[] = []
  const start = emit(new ExpressionReader(expression).read(), add({ kind: 'accept' }))
  return (text) => run(states, start, text)

  function add(state: State): number {
    if (states.length >= maximumStates) throw new ExpressionError('the expression is too large')
    return states.push(state) - 1
  }

  /** Writes the states of a node in front of `next`; returns the first. */
  function emit(node: Node, next: number): number {
    switch (node.kind) {
      case 'character':
        return add({ kind: 'character', test: node.test, next })
      case 'empty':
        return next
      case 'start':
      case 'end':
        return add({ kind: node.kind, next })
      case 'border':
        return add({ kind: 'separator', next })
      case 'sequence':
        return node.parts.reduceRight((after, part) => emit(part, after), next)
      case 'choice':
        return node.parts
          .map((part) => emit(part, next))
          .reduceRight((other, first) => add({ kind: 'split', next: first, other }))
      case 'repeat': {
        let after = next
        if (node.most === Number.POSITIVE_INFINITY) {
          const loop = add({ kind: 'split', next: -1, other: next })
          states[loop] = { kind: 'split', next: emit(node.part, loop), other: next }
          after = loop
        } else {
          for (let i = node.least; i < node.most; i++)
            after = add({ kind: 'split', next: emit(node.part, after), other: next })
        }
        for (let i = 0; i < node.least; i++) after = emit(node.part, after)
        return after
      }
    }
  }
}

/** What `_` stands for between two numbers. */
const separators = new Set([...' ,{}()'])

function run(states: readonly State[], start: number, text: string): boolean {
  let current = new Set<number>()
  for (let place = 0; place <= text.length; place++) {
    const next = new Set<number>()
    // A match may begin anywhere.
    const pending = [start, ...current]
    const seen = new Set<number>()
    while (pending.length > 0) {
      const index = pending.pop()!
      if (seen.has(index)) continue
      seen.add(index)
      const state = states[index]!
      if (state.kind === 'accept') return true
      if (state.kind === 'split') pending.push(state.next, state.other)
      else if (state.kind === 'start') {
        if (place === 0) pending.push(state.next)
      } else if (state.kind === 'end') {
        if (place === text.length) pending.push(state.next)
      } else if (state.kind === 'separator') {
        if (place === 0 || place === text.length) pending.push(state.next)
        if (place < text.length && separators.has(text[place]!)) next.add(state.next)
      } else if (state.kind === 'character' && place < text.length && state.test(text[place]!))
        next.add(state.next)
    }
    current = next
  }
  return false
}

class ExpressionReader {
  readonly #text: string
  #place = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): Node {
    const node = this.#choice()
    if (this.#place < this.#text.length) throw new ExpressionError(`")" without "(" in "${this.#text}"`)
    return node
  }

  #choice(): Node {
    const parts = [this.#sequence()]
    while (this.#text[this.#place] === '|') {
      this.#place++
      parts.push(this.#sequence())
    }
    return parts.length === 1 ? parts[0]! : { kind: 'choice', parts }
  }

  #sequence(): Node {
    const parts: Node[] = []
    for (;;) {
      const character = this.#text[this.#place]
      if (character === undefined || character === '|' || character === ')') break
      parts.push(this.#repeated(this.#atom()))
    }
    return parts.length === 0 ? { kind: 'empty' } : { kind: 'sequence', parts }
  }

  #atom(): Node {
    const character = this.#text[this.#place++]!
    switch (character) {
      case '^':
        return { kind: 'start' }
      case '$':
        return { kind: 'end' }
      case '_':
        return { kind: 'border' }
      case '.':
        return { kind: 'character', test: () => true }
      case '[':
        return this.#bracket()
      case '(': {
        if (++this.#depth > 50) throw new ExpressionError('the expression is nested too deeply')
        const inner = this.#choice()
        if (this.#text[this.#place++] !== ')') throw new ExpressionError(`"(" without ")" in "${this.#text}"`)
        this.#depth--
        return inner
      }
      case '*':
      case '+':
      case '?':
        throw new ExpressionError(`"${character}" repeats nothing in "${this.#text}"`)
      case '\\': {
        const escaped = this.#text[this.#place++]
        if (escaped === undefined) throw new ExpressionError(`"${this.#text}" ends in "\\"`)
        return { kind: 'character', test: (found) => found === escaped }
      }
      default:
        return { kind: 'character', test: (found) => found === character }
    }
  }

  #repeated(atom: Node): Node {
    let node = atom
    for (;;) {
      const character = this.#text[this.#place]
      if (character === '*') node = { kind: 'repeat', part: node, least: 0, most: Number.POSITIVE_INFINITY }
      else if (character === '+')
        node = { kind: 'repeat', part: node, least: 1, most: Number.POSITIVE_INFINITY }
      else if (character === '?') node = { kind: 'repeat', part: node, least: 0, most: 1 }
      else if (character === '{') {
        const bounds = /^\{(\d{1,3})(,(\d{0,3}))?\}/.exec(this.#text.slice(this.#place, this.#place + 10))
        if (bounds === null) throw new ExpressionError(`"{" begins no count in "${this.#text}"`)
        const least = Number(bounds[1])
        const most =
          bounds[2] === undefined ? least : bounds[3] ? Number(bounds[3]) : Number.POSITIVE_INFINITY
        if (most < least) throw new ExpressionError(`"${bounds[0]}" in "${this.#text}" counts backwards`)
        node = { kind: 'repeat', part: node, least, most }
        this.#place += bounds[0].length - 1
      } else return node
      this.#place++
    }
  }

  #bracket(): Node {
    const end = this.#text.indexOf(']', this.#place + (this.#text[this.#place] === '^' ? 2 : 1))
    if (end === -1) throw new ExpressionError(`"[" without "]" in "${this.#text}"`)
    let inside = this.#text.slice(this.#place, end)
    this.#place = end + 1
    const isNegated = inside.startsWith('^')
    if (isNegated) inside = inside.slice(1)
    const ranges = [...inside.matchAll(/(.)-(.)|(.)/gs)].map(([, from, to, single]): [string, string] => [
      from ?? single!,
      to ?? single!,
    ])
    return {
      kind: 'character',
      test: (found) => ranges.some(([from, to]) => found >= from && found <= to) !== isNegated,
    }
  }
}
