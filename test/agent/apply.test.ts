import { afterAll, beforeAll, expect, test } from 'vitest'
import { readBgp } from '../../src/agent/actual.ts'
import { parseAgentConfig } from '../../src/agent/config.ts'
import { parseGuardTable } from '../../src/agent/port-guard/guard-rules.ts'
import { readRunningConfig } from '../../src/frr/show-daemon.ts'
import { readAddresses } from '../../src/linux/ip.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { createNamespaces, deleteNamespaces, inNamespace } from '../../src/linux/namespace.ts'
import { listNft } from '../../src/linux/nft.ts'
import { run } from '../../src/linux/run.ts'
import { Router } from '../frr/daemons.ts'
import { nodeBgpd } from './fixture.ts'

/* kill -9 before every single step of a change: what was promised holds, and the next pass finishes the work. */

const router = new Router('wfk-node')
const program = new URL('apply-process.ts', import.meta.url).pathname
const configText = JSON.stringify({
  node: 'n1',
  api: { url: 'http://127.0.0.1:1' },
  frr: { pathspace: router.name },
  pools: [
    { name: 'web', cidr: '10.9.0.0/16', scope: 'site' },
    { name: 'web6', cidr: 'fd09::/64', scope: 'site' },
  ],
  loopbacks: ['10.0.0.1/32'],
  staticVips: ['10.9.200.1/32'],
})

beforeAll(async () => {
  await createNamespaces([router.name])
  await applyIpBatch(['link set lo up', 'addr add 10.0.0.1/32 dev lo'], { namespace: router.name })
  await router.start('bgpd', nodeBgpd)
})

afterAll(async () => {
  await router.stop()
  await deleteNamespaces([router.name])
})

function announce(address: string, weight?: number): object {
  const scope = 'site'
  const common = { kind: 'announce', address, pool: 'web', scope, services: ['shop/web'] }
  return weight === undefined ? common : { ...common, weight }
}

/** One pass that dies before its n-th step; 0 lets it finish. */
async function pass(wanted: readonly object[], dieBefore: number): Promise<string> {
  const argv = [process.execPath, program, configText, JSON.stringify(wanted), String(dieBefore)] as const
  const result = await run(inNamespace(router.name, argv), { acceptFailure: true })
  return result.stdout.trim()
}

interface Found {
  networks: Map<string, string>
  addresses: Set<string>
  guarded: Set<string>
}

async function look(): Promise<Found> {
  const bgpd = router.connect('bgpd')
  const parsed = parseAgentConfig(configText)
  if ('problems' in parsed) throw new Error('the configuration of this test is wrong')
  const { networks } = readBgp(await readRunningConfig(bgpd), parsed.config)
  bgpd.close()
  const addresses = await readAddresses({ namespace: router.name, device: 'lo' })
  const guard = parseGuardTable(await listNft({ namespace: router.name, what: 'table inet weft-guard' }))
  return {
    networks,
    addresses: new Set(
      addresses.map(({ address }) => address).filter((address) => /^(10\.9\.|fd09)/.test(address)),
    ),
    guarded: new Set(guard.ports.keys()),
  }
}

test('killed before any step, no address is announced without being there, nor there without being guarded', async () => {
  const before = [announce('10.9.0.1'), announce('10.9.0.2', 2), announce('fd09::1')]
  const after = [announce('10.9.0.2', 3), announce('10.9.0.3'), announce('fd09::2', 3)]
  let deaths = 0
  for (let step = 1; ; step++) {
    expect(await pass(before, 0)).toBe('done')
    const isFinished = (await pass(after, step)) === 'done'

    const { networks, addresses, guarded } = await look()
    for (const address of networks.keys()) expect(addresses, `announced at step ${step}`).toContain(address)
    for (const address of addresses) expect(guarded, `local at step ${step}`).toContain(address)
    // The one that both want never goes away.
    expect(networks.get('10.9.0.2')).toMatch(/^VIP-site-w[23]$/)

    expect(await pass(after, 0)).toBe('done')
    const end = await look()
    expect(Object.fromEntries(end.networks)).toEqual({
      '10.9.0.2': 'VIP-site-w3',
      '10.9.0.3': 'VIP-site',
      'fd09::2': 'VIP-site-w3',
    })
    expect(end.addresses).toEqual(new Set(['10.9.0.2', '10.9.0.3', 'fd09::2']))
    expect(end.guarded).toEqual(end.addresses)
    if (isFinished) break
    deaths++
  }
  expect(deaths).toBeGreaterThan(10)
})
