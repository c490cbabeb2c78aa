/** One thing the doctor looked at. */
export interface Check {
  name: string
  /** `fail` stops every lab, `warn` stops or slows some. */
  status: 'ok' | 'warn' | 'fail'
  found: string
  /** How to mend it. */
  mend?: string
}
