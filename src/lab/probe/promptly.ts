import type { Argv } from '../../linux/run.ts'

const script = 'chrt --rr 1 true 2>/dev/null && exec chrt --rr 1 "$@"; exec "$@"'

/**
 * Runs a program ahead of everything else on the machine, where that is allowed.
 *
 * A meter that waits for a processor measures the processor. Niceness would not help: Linux weighs it within a terminal
 * session only (autogroups), and routers are not of ours. Meters need little, and the kernel keeps a part of every
 * second for the others whatever happens.
 */
export function promptly(argv: Argv): Argv {
  return ['sh', '-c', script, 'sh', ...argv]
}
