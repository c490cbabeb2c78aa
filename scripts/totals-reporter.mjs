/* Vitest reporter: names every skipped test with its reason and leaves the totals for scripts/test.mjs. */
import { writeFileSync } from 'node:fs'

export default class TotalsReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const totals = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      // A file that does not load, or a hook that throws, fails without any of its tests failing.
      if (module.errors().length > 0) totals.failed++
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) totals.failed++
      for (const test of module.children.allTests()) this.#count(test, totals)
    }
    const file = process.env.WEFT_TEST_TOTALS
    if (file !== undefined) writeFileSync(file, JSON.stringify(totals))
  }

  #count(test, totals) {
    const { state, note } = test.result()
    if (state === 'passed' || state === 'failed') {
      totals[state]++
      return
    }
    totals.skipped++
    const reason = note ?? (hasFailedSetUp(test) ? 'its set-up failed' : 'see its name')
    process.stdout.write(`skipped: ${test.module.relativeModuleId} > ${test.fullName}: ${reason}\n`)
  }
}

function hasFailedSetUp(test) {
  for (let parent = test.parent; parent !== undefined; parent = parent.parent) {
    if (parent.errors().length > 0) return true
  }
  return false
}
