import type { Logger } from 'pino'

/** The part of a pino logger that the lab's control plane uses. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
