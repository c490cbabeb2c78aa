import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { EndOfRib } from './end-of-rib.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

function make() {
  const configure = vi.fn(() => Promise.resolve())
  return { configure, endOfRib: new EndOfRib({ bgpd: { configure }, log: { info() {}, warn() {} } }) }
}

test('said once after each start of bgpd, a while after the routes', () => {
  const { configure, endOfRib } = make()
  endOfRib.bgpdIsUp()
  endOfRib.isAnnounced()
  expect(configure).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1_000)
  endOfRib.isAnnounced()
  vi.advanceTimersByTime(10_000)
  expect(configure).toHaveBeenCalledTimes(1)

  endOfRib.bgpdIsDown()
  endOfRib.bgpdIsUp()
  endOfRib.isAnnounced()
  vi.advanceTimersByTime(1_000)
  expect(configure).toHaveBeenCalledTimes(2)
})

test('not said for a bgpd that has gone meanwhile', () => {
  const { configure, endOfRib } = make()
  endOfRib.bgpdIsUp()
  endOfRib.isAnnounced()
  endOfRib.bgpdIsDown()
  vi.advanceTimersByTime(10_000)
  expect(configure).not.toHaveBeenCalled()
})

test('said after a minute also when the cluster is still unknown: leaves keep nothing longer', () => {
  const { configure, endOfRib } = make()
  endOfRib.bgpdIsUp()
  vi.advanceTimersByTime(59_000)
  expect(configure).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1_000)
  endOfRib.isAnnounced()
  vi.advanceTimersByTime(60_000)
  expect(configure).toHaveBeenCalledTimes(1)
})
