import { type Output, paint } from '../output.ts'

/** One measured or checked result of the tour. */
export interface Finding {
  what: string
  value: string
  isGood: boolean
}

/** Tells the tour as it goes, and remembers what was found for the summary. */
export class Narrator {
  readonly findings: Finding[] = []
  readonly #output: Output
  #chapter = 0

  constructor(output: Output) {
    this.#output = output
  }

  chapter(title: string): void {
    this.#chapter++
    this.#write(`\n${paint(this.#output, 'bold', `${this.#chapter}. ${title}`)}`)
  }

  say(text: string): void {
    this.#write(text.replace(/^/gm, '   '))
  }

  /** States a result; one that is not good makes the tour fail. */
  find(what: string, value: string, isGood: boolean): void {
    this.findings.push({ what, value, isGood })
    const mark = isGood ? paint(this.#output, 'green', 'ok') : paint(this.#output, 'red', 'FAILED')
    this.say(`${what}: ${paint(this.#output, 'bold', value)}  ${mark}`)
  }

  /** With `-o json` the result is the only thing on stdout, so the story goes beside it. */
  #write(text: string): void {
    if (this.#output.format === 'json') this.#output.note(text)
    else this.#output.print(text)
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

export function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`
}
