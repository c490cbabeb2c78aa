/*
 * `npm test`: from a fresh clone to the line `N passed, N failed, N skipped`. Arguments go to vitest.
 *
 * Where no lab can run, the unit tests still do, and every test that could not is named with the reason. One run at a
 * time on a machine: lab tests measure time, and two of them on the same processors spoil each other.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import {
  capture,
  environmentInside,
  findTool,
  localBin,
  localNode,
  root,
  runInForeground,
  say,
  tail,
} from './setup/process.mjs'
import { setUp } from './setup/setup.mjs'

const machineLock = '/run/lock/weft-lab-tests.lock'
const busyCode = 75

const machine = await setUp('test')
if (machine !== undefined) process.exitCode = await runTests(machine.obstacles, process.argv.slice(2))

async function runTests(obstacles, args) {
  const scratch = mkdtempSync(join(tmpdir(), 'weft-test-'))
  const totalsFile = join(scratch, 'totals.json')
  const env = { ...environmentInside(), WEFT_TEST_TOTALS: totalsFile }
  try {
    const projects = obstacles.length === 0 ? ['unit', 'lab'] : ['unit']
    const code = await runVitest(
      [...projects.flatMap((name) => ['--project', name]), ...args],
      env,
      obstacles,
    )
    const totals = readTotals(totalsFile)
    // A run that ends badly without a failed test (a crash, an unhandled error) is a failure all the same.
    if (code !== 0 && totals.failed === 0) totals.failed = 1
    if (obstacles.length > 0)
      totals.skipped += await nameSkippedLabTests(obstacles, args, join(scratch, 'lab.json'))
    process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
    return code
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function runVitest(args, env, obstacles) {
  const reporters = ['--reporter=default', '--reporter=./scripts/totals-reporter.mjs']
  const vitest = [localNode, join(localBin, 'vitest'), 'run', ...reporters, ...args]
  if (obstacles.length > 0 || findTool('flock') === undefined) {
    return await runInForeground(vitest[0], vitest.slice(1), { env })
  }
  // --close: daemons that a test leaves behind must not inherit the lock, or it would be held for ever.
  const flock = ['--exclusive', '--close', '--conflict-exit-code', String(busyCode)]
  const code = await runInForeground('flock', [...flock, '--nonblock', machineLock, ...vitest], { env })
  if (code !== busyCode) return code
  say(`test: another test run on this machine holds ${machineLock}: waiting for it to end`)
  return await runInForeground('flock', [...flock, machineLock, ...vitest], { env })
}

function readTotals(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    say('test: vitest ended before it could count its tests')
    return { passed: 0, failed: 0, skipped: 0 }
  }
}

async function nameSkippedLabTests(obstacles, args, listFile) {
  // Parsed, not imported: nothing of a lab test runs here.
  const options = ['list', '--project', 'lab', '--staticParse', `--json=${listFile}`]
  const filters = args.filter((arg) => !arg.startsWith('-'))
  const listed = await capture(localNode, [join(localBin, 'vitest'), ...options, ...filters], { cwd: root })
  say('\nSkipped, because no lab can run here:')
  for (const obstacle of obstacles) say(`  - ${obstacle}`)
  if (listed.code !== 0) say(`  the lab tests could not be listed:\n${tail(listed.output)}`)
  const tests = listed.code === 0 ? JSON.parse(readFileSync(listFile, 'utf8')) : []
  for (const test of tests) say(`  skipped: ${relative(root, test.file)} > ${test.name}`)
  return tests.length
}
