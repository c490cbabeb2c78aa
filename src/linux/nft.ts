import { WeftError } from '../diagnostics/error.ts'
import { inNamespace } from './namespace.ts'
import { type RunOptions, run } from './run.ts'

export interface NftOptions extends Pick<RunOptions, 'timeoutMs' | 'signal'> {
  namespace?: string
}

/** One entry of nftables' JSON listing, such as `{table: …}`, `{chain: …}`, `{set: …}` or `{rule: …}`. */
export type NftObject = Record<string, Record<string, unknown>>

/** Applies a ruleset as one kernel transaction: either all of it takes effect or nothing does. */
export async function applyNft(ruleset: string, options: NftOptions = {}): Promise<void> {
  const { namespace, ...runOptions } = options
  const result = await run(inNamespace(namespace, ['nft', '-f', '-']), {
    ...runOptions,
    input: ruleset,
    acceptFailure: true,
  })
  if (result.exitCode === 0) return
  throw new WeftError('WEFT_NFT_FAILED', explainNftFailure(result.stderr, ruleset), {
    ...(/not permitted/i.test(result.stderr)
      ? { hint: 'run as root (CAP_NET_ADMIN is needed)', exitCode: 3 as const }
      : { hint: 'nothing was changed: nftables applies a ruleset as a whole' }),
  })
}

/** Lists the ruleset, or one part of it such as `table inet weft`; empty when that part does not exist. */
export async function listNft(options: NftOptions & { what?: string } = {}): Promise<NftObject[]> {
  const { namespace, what = 'ruleset', ...runOptions } = options
  const result = await run(inNamespace(namespace, ['nft', '--json', 'list', ...what.split(' ')]), {
    ...runOptions,
    acceptFailure: true,
  })
  if (result.exitCode !== 0) {
    if (/No such file or directory/.test(result.stderr)) return []
    throw new WeftError('WEFT_NFT_FAILED', `nft list ${what}: ${result.stderr.trim()}`)
  }
  const parsed = JSON.parse(result.stdout) as { nftables: NftObject[] }
  return parsed.nftables.filter((entry) => !('metainfo' in entry))
}

function explainNftFailure(stderr: string, ruleset: string): string {
  const found = /^\/dev\/stdin:(\d+):\d+-\d+: Error: (.*)$/m.exec(stderr)
  if (found?.[1] === undefined) return `nftables refused the ruleset: ${stderr.trim()}`
  const line = ruleset.split('\n')[Number(found[1]) - 1]?.trim()
  return `nftables refused line ${found[1]} of the ruleset, "${line}": ${found[2]}`
}
