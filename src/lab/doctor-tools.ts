import { access } from 'node:fs/promises'
import { WeftError } from '../diagnostics/error.ts'
import type { FrrRelease } from '../intent/model.ts'
import { type Argv, run } from '../linux/run.ts'
import type { Check } from './check.ts'
import { daemons } from './daemons.ts'

const tools: { argv: Argv; debianPackage: string }[] = [
  { argv: ['ip', '-V'], debianPackage: 'iproute2' },
  { argv: ['nft', '--version'], debianPackage: 'nftables' },
  { argv: ['nsenter', '--version'], debianPackage: 'util-linux' },
  { argv: ['tcpdump', '--version'], debianPackage: 'tcpdump' },
  { argv: ['vtysh', '--help'], debianPackage: 'frr' },
]

/** Tools that labs call, and the FRR daemons with their release. */
export async function checkTools(wanted: FrrRelease | null): Promise<Check[]> {
  const checks = await Promise.all(tools.map(checkTool))
  const missing: string[] = []
  for (const daemon of daemons) await access(`/usr/lib/frr/${daemon}`).catch(() => missing.push(daemon))
  if (missing.length > 0)
    return [
      ...checks,
      {
        name: 'FRR',
        status: 'fail',
        found: `${missing.join(', ')} not found in /usr/lib/frr`,
        mend: 'apt-get install frr',
      },
    ]
  return [...checks, await checkRelease(wanted)]
}

async function checkTool({ argv, debianPackage }: (typeof tools)[number]): Promise<Check> {
  const [name] = argv
  try {
    const { stdout, stderr } = await run(argv)
    return { name, status: 'ok', found: (stdout || stderr).split('\n')[0]?.trim() ?? '' }
  } catch (error) {
    if (!(error instanceof WeftError)) throw error
    return { name, status: 'fail', found: error.message, mend: `apt-get install ${debianPackage}` }
  }
}

async function checkRelease(wanted: FrrRelease | null): Promise<Check> {
  const { stdout } = await run(['/usr/lib/frr/zebra', '--version'])
  const version = /version (\S+)/.exec(stdout)?.[1] ?? 'unknown'
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  if (major < 8 || (major === 8 && minor < 4))
    return {
      name: 'FRR',
      status: 'fail',
      found: version,
      mend: 'Weft needs FRR 8.4 or later: Debian 12 and https://deb.frrouting.org have it',
    }
  if (wanted !== null && (wanted.major !== major || wanted.minor !== minor))
    return {
      name: 'FRR',
      status: 'warn',
      found: `${version}, the intent is written for ${wanted.major}.${wanted.minor}`,
      mend: `set frr: "${major}.${minor}" in the intent, or install the release it names`,
    }
  return { name: 'FRR', status: 'ok', found: version }
}
