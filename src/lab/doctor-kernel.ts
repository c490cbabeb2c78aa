import { WeftError } from '../diagnostics/error.ts'
import { applyIpBatch } from '../linux/ip-batch.ts'
import { deleteNamespaces } from '../linux/namespace.ts'
import { applyNft } from '../linux/nft.ts'
import { applySysctls } from '../linux/sysctl.ts'
import type { Check } from './check.ts'

interface Trial {
  name: string
  /** Without it there is no lab at all. */
  isNeeded: boolean
  mend: string
  attempt: (a: string, b: string) => Promise<void>
}

/** In this order: each needs the ones above it. */
const trials: Trial[] = [
  {
    name: 'network namespaces',
    isNeeded: true,
    mend: 'in a container: run it with --privileged, or CAP_SYS_ADMIN and a writable /run/netns',
    attempt: async (a, b) => {
      await applyIpBatch([`netns add ${a}`, `netns add ${b}`])
    },
  },
  {
    name: 'veth pairs',
    isNeeded: true,
    mend: 'modprobe veth',
    attempt: async (a, b) => {
      await applyIpBatch([`link add va netns ${a} index 101 type veth peer name vb netns ${b} index 102`])
      await applyIpBatch(['link set lo up', 'link set va up'], { namespace: a })
    },
  },
  {
    name: 'IPv4 over IPv6 next hops',
    isNeeded: true,
    mend: 'Linux 5.2 or later with IPv6 enabled (RFC 8950 sessions rest on it): look at net.ipv6.conf.all.disable_ipv6',
    attempt: async (a, b) => {
      await applyIpBatch(['link set vb up'], { namespace: b })
      await applyIpBatch(['route add 192.0.2.0/24 via inet6 fe80::1 dev va'], { namespace: a })
    },
  },
  {
    name: 'ECMP by ports',
    isNeeded: true,
    mend: 'Linux 5.14 or later with CONFIG_IP_ROUTE_MULTIPATH',
    attempt: (a) => applySysctls({ 'net.ipv4.fib_multipath_hash_policy': 3 }, { namespace: a }),
  },
  {
    name: 'ECMP seed per device',
    isNeeded: false,
    mend: 'Linux 6.11 or later: without it all tiers hash alike, and the second tier does not spread',
    attempt: (a) => applySysctls({ 'net.ipv4.fib_multipath_hash_seed': 7 }, { namespace: a }),
  },
  {
    name: 'silent drops (nftables ingress)',
    isNeeded: false,
    mend: 'modprobe nf_tables_netdev; without it links cannot be cut silently',
    attempt: (a) =>
      applyNft(
        'table netdev weft {\nchain cut {\ntype filter hook ingress device "va" priority -500; policy drop;\n}\n}\n',
        { namespace: a },
      ),
  },
]

/** Tries what labs need, in two namespaces of its own. */
export async function checkKernel(): Promise<Check[]> {
  const [a, b] = [`weftdoctor-${process.pid}-a`, `weftdoctor-${process.pid}-b`]
  const checks: Check[] = []
  try {
    for (const { name, isNeeded, mend, attempt } of trials) {
      try {
        await attempt(a, b)
        checks.push({ name, status: 'ok', found: 'works' })
      } catch (error) {
        if (!(error instanceof WeftError)) throw error
        checks.push({ name, status: isNeeded ? 'fail' : 'warn', found: error.message, mend })
      }
    }
  } finally {
    await deleteNamespaces([a, b])
  }
  return checks
}
