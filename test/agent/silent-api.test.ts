import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { Fixture } from './fixture.ts'

/*
 * A connection whose other end has gone without a word looks like a quiet cluster. Only asking tells: TCP keepalive
 * asks the other machine, after 15 s of silence and then ten times, a second apart.
 */

let fixture: Fixture

beforeAll(async () => {
  fixture = await Fixture.create('wsa')
  await fixture.createService('site', ['10.9.0.1'])
  await fixture.startAgent()
  await fixture.untilLeaf('set', '10.9.0.1/32')
})
afterAll(() => fixture?.destroy())

function nft(text: string): Promise<unknown> {
  return run(inNamespace(fixture.node.name, ['nft', '-f', '-']), { input: text })
}

test('watches whose packets vanish are given up within half a minute, nothing is withdrawn, and they come back', async () => {
  const seen = fixture.events.length
  const since = performance.now()
  const lost = () => fixture.log.filter(({ msg }) => msg === 'API watch lost, routes stay')
  await nft(`table inet cut {
    chain c {
      type filter hook input priority 0
      tcp sport 6443 drop
      tcp dport 6443 drop
    }
  }
`)
  await vi.waitUntil(() => lost().length >= 3, { timeout: 90_000, interval: 50 })
  console.log(`given up after ${Math.round(performance.now() - since)} ms`)
  expect(performance.now() - since).toBeLessThan(60_000)

  await nft('delete table inet cut\n')
  const connected = async () => (await fixture.metrics()).match(/^weft_watch_connected\{[^}]*\} 1$/gm)?.length
  await expect.poll(connected, { timeout: 90_000, interval: 100 }).toBe(3)
  expect(fixture.events.slice(seen)).toEqual([])
}, 200_000)
