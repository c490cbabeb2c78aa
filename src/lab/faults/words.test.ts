import { expect, test } from 'vitest'
import { WeftError } from '../../diagnostics/error.ts'
import { describeFault } from './describe.ts'
import { faultGrammar } from './grammar.ts'
import type { FaultSpec } from './model.ts'
import { parseFault } from './words.ts'

const sentences: [words: string, spec: FaultSpec, text: string][] = [
  ['link a--b', { kind: 'carrier', link: 'a--b' }, 'a--b loses its carrier'],
  ['link a--b carrier end a', { kind: 'carrier', link: 'a--b', end: 'a' }, 'a--b is shut down at a'],
  ['link a--b silent', { kind: 'silent', link: 'a--b' }, 'a--b drops everything without a word'],
  [
    'link a--b --silent --from a --bfd',
    { kind: 'silent', link: 'a--b', from: 'a', traffic: 'bfd' },
    'a--b drops BFD sent by a without a word',
  ],
  ['link a--b bgp', { kind: 'silent', link: 'a--b', traffic: 'bgp' }, 'a--b drops BGP without a word'],
  [
    'link a--b rate 1.5mbit from b',
    { kind: 'rate', link: 'a--b', from: 'b', kilobitsPerSecond: 1500 },
    'a--b carries 1.5 Mbit/s at most sent by b',
  ],
  ['link a--b loss=0.5%', { kind: 'loss', link: 'a--b', percent: 0.5 }, 'a--b loses 0.5% of the packets'],
  [
    'link a--b mtu 1400',
    { kind: 'mtu', link: 'a--b', bytes: 1400 },
    'a--b drops packets above 1400 bytes without a word',
  ],
  [
    'link a--b flap 3 down 1s',
    { kind: 'flap', link: 'a--b', count: 3, downMilliseconds: 1000, upMilliseconds: 500 },
    'a--b flaps 3 times, 1 s down and 500 ms up',
  ],
  ['device s1', { kind: 'device', device: 's1', how: 'power' }, 's1 loses power'],
  [
    'daemon l1 frr restart',
    { kind: 'daemon', device: 'l1', daemon: 'frr', how: 'restart' },
    'all of FRR on l1 is restarted (SIGKILL and start)',
  ],
  [
    'rack dc1-r1 silent',
    { kind: 'rack', rack: 'dc1-r1', how: 'silent' },
    'rack dc1-r1 falls silent on all its links',
  ],
  [
    'tier dc1 spine carrier',
    { kind: 'tier', site: 'dc1', role: 'spine', how: 'carrier' },
    'every spine of dc1 loses the carrier of all its links',
  ],
  [
    'site dc1 dci',
    { kind: 'site', site: 'dc1', boundary: 'dci', how: 'silent' },
    'dc1 is cut off from the other sites, silently',
  ],
  [
    'pod dc1 web/a unready',
    { kind: 'pod', cluster: 'dc1', namespace: 'web', pod: 'a', how: 'unready' },
    'pod web/a of dc1 is not ready',
  ],
  [
    'pod dc1 a',
    { kind: 'pod', cluster: 'dc1', namespace: 'default', pod: 'a', how: 'delete' },
    'pod default/a of dc1 is deleted',
  ],
  [
    'api dc1 slow 2s',
    { kind: 'api', cluster: 'dc1', how: 'slow', delayMilliseconds: 2000 },
    'the API of dc1 answers 2 s late',
  ],
  [
    'announce n1 10.0.0.0/8',
    { kind: 'announcement', device: 'n1', prefix: '10.0.0.0/8' },
    'n1 announces 10.0.0.0/8, which it may not',
  ],
]

test.each(sentences)('reads and says "%s"', (words, spec, text) => {
  expect(parseFault(words.split(' '))).toEqual(spec)
  expect(describeFault(spec)).toBe(text)
})

test('the example of every kind can be read', () => {
  for (const { example, word } of faultGrammar)
    expect(describeFault(parseFault(example.split(' '))), word).not.toBe('')
})

test.each([
  ['', 'nothing was said about what fails'],
  ['lnik a--b', '"lnik" is nothing that can fail', 'did you mean link?'],
  ['link', '"link" needs a link (<device>--<device>)'],
  ['link a--b slient', '"slient" says nothing about a link', 'did you mean silent?'],
  ['link a--b from', '"from" needs a device'],
  ['link a--b mtu 1400 bfd', '"bfd" means nothing beside "mtu"'],
  ['link a--b rate fast', '"fast" is no rate', 'write it like rate 10mbit'],
  ['link a--b loss 101%', '"101%" is no percent'],
  ['device s1 power carrier', '"power" and "carrier" exclude each other'],
  ['daemon l1 ospfd', '"ospfd" is no daemon', 'it is one of: bgpd, zebra, bfdd, frr, agent'],
])('says what is wrong with "%s"', (words, message, hint?: string) => {
  const refusal = catchError(() => parseFault(words.split(' ').filter((word) => word !== '')))

  expect(refusal).toBeInstanceOf(WeftError)
  expect(refusal).toMatchObject({ code: 'WEFT_LAB_FAULT_WORDS', message, exitCode: 2 })
  if (hint !== undefined) expect(refusal).toMatchObject({ hint })
})

function catchError(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return null
}
