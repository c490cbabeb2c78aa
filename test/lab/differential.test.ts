import { expect, test } from 'vitest'
import { differentialCase, runDifferential } from './differential-run.ts'

/*
 * A few random fabrics on real FRR, each compared with the simulator path by path: whole, with service addresses that
 * are weighted or drained, under faults, and healed. The seeds are fixed, so that a failure can be repeated; the long
 * campaign is `npm run differential`, and what it found is docs/reference/differential.md.
 */
test.each([3, 7, 12, 21])(
  'the random fabric of seed %i is on real routers what the simulator says',
  async (seed) => {
    const score = await runDifferential(`diff-${seed}`, differentialCase(seed, 12))

    console.log(
      `seed ${seed}: ${score.routers} routers, ${score.states} states, ${score.paths} paths, ${score.nextHops} next hops, ${score.explained} explained by order of arrival`,
    )
    expect(score.mismatches).toEqual([])
  },
)
