import type { Check, Hit } from './check.ts'
import type { VerifyContext } from './context.ts'

export const hashPolarisation: Check = {
  id: 'hash-polarisation',
  title: 'Two routers in a row choose paths alike',
  severity: 'warning',
  why: 'A router spreads flows by a hash. When the next one uses the same seed, it gets only flows that hash alike and sends all of them one way: with two tiers of two paths, half of the links stay empty while totals look even.',
  mend: 'give each device a seed of its own, as `weft plan` does by name',
  *find({ plan, devices }: VerifyContext): Generator<Hit> {
    for (const { a, b } of plan.sessions) {
      const [one, other] = [devices.get(a.device)!, devices.get(b.device)!]
      if (one.role === 'external' || other.role === 'external') continue
      const isKernelSeed = one.hashSeed === 0
      if (one.hashSeed !== other.hashSeed && !isKernelSeed) continue
      yield {
        message: isKernelSeed
          ? `${one.name} has hash seed 0, which is one random seed for all routers of a machine`
          : `${one.name} and ${other.name} are neighbours with the same hash seed ${one.hashSeed}`,
        devices: [one.name, other.name],
        path: one.path,
        like: `${one.role} ${other.role} ${isKernelSeed}`,
      }
    }
  },
}

export const hashCoarse: Check = {
  id: 'hash-coarse',
  title: 'All connections between two addresses take one path',
  severity: 'note',
  why: 'With `ecmp.hash: l3` ports do not count. Measured with one client address and four servers behind two tiers: one server gets all of 4,000 connections. Behind a NAT or a load balancer that is one address, ECMP does nothing.',
  mend: 'use `ecmp: {hash: l4}` unless fragments must not take different paths',
  *find({ plan }: VerifyContext): Generator<Hit> {
    if (plan.ecmpHash !== 'l3') return
    yield {
      message: 'paths are chosen by addresses alone: connections between two hosts share one path',
      devices: [],
      path: 'ecmp.hash',
      like: '',
    }
  },
}
