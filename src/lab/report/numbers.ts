/** Numbers as a person reads them. */

/** `0`, `4.2 ms`, `351 ms`, `2.31 s`. */
export function milliseconds(value: number): string {
  if (value === 0) return '0'
  if (value < 10) return `${value.toFixed(1)} ms`
  if (value < 1000) return `${Math.round(value)} ms`
  return `${(value / 1000).toFixed(2)} s`
}

/** `12.5 %`; whole percents from 10 on when they are whole. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, '')} %`
}

/** `1 repeat`, `3 repeats`. */
export function count(value: number, noun: string): string {
  return `${value.toLocaleString('en')} ${noun}${value === 1 ? '' : 's'}`
}

/** Short number for an SVG attribute. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** A round step so that an axis of this length has four to eight marks. */
export function axisStep(length: number): number {
  if (length <= 0) return 1
  const rough = length / 6
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  return [1, 2, 5, 10].map((factor) => factor * magnitude).find((step) => step >= rough)!
}
