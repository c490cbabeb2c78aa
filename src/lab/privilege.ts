import { WeftError } from '../diagnostics/error.ts'

/** Labs belong to root, the files that describe them included: session passwords are in there. */
export function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new WeftError('WEFT_LAB_PRIVILEGE', 'a lab needs root: it makes network namespaces', {
      hint: 'run it with sudo, or as root in a container that has CAP_NET_ADMIN and CAP_SYS_ADMIN',
      exitCode: 3,
    })
}
