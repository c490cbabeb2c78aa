/*
 * Everything between `git clone` and the real command. One set-up at a time in one clone: a second one waits, finds
 * the work done and goes on.
 */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepareModules } from './modules.mjs'
import { root, say, wait } from './process.mjs'
import { prepareSystem } from './system.mjs'

const lockFile = join(root, '.setup.lock')

/** Sets the clone and the machine up; `obstacles` says why no lab can run here. Ends the process when nothing can. */
export async function setUp(purpose) {
  await takeLock()
  try {
    const problem = await prepareModules()
    if (problem !== undefined) {
      say(
        `setup: ${problem}\n  Nothing works without it. Mend that (or run "npm ci" by hand to see more) and try again.`,
      )
      process.exitCode = 3
      return undefined
    }
    return { obstacles: await prepareSystem(purpose) }
  } finally {
    rmSync(lockFile, { force: true })
  }
}

/** Says what is missing and what still works without it. */
export function explainObstacles(obstacles) {
  say('No lab can run on this machine as it is:')
  for (const obstacle of obstacles) say(`  - ${obstacle}`)
  say('What works without one:')
  say('  bin/weft init                write a commented starter weft.yaml')
  say('  bin/weft plan                capacity, devices, sessions, prefixes')
  say('  bin/weft render --out conf   configuration of every device')
  say('  npm run unit                 the tests that need neither root nor FRR')
}

async function takeLock() {
  const mine = `${lockFile}.${process.pid}`
  try {
    writeFileSync(mine, String(process.pid))
  } catch {
    // A clone that cannot be written to needs no lock: if anything is missing in it, npm says so.
    return
  }
  try {
    // Linking a complete file is atomic; creating one and then writing to it is not.
    for (let isFirst = true; !tryLink(mine); isFirst = false) {
      const owner = readOwner()
      if (owner === undefined) rmSync(lockFile, { force: true })
      else if (isFirst) say(`setup: waiting for the set-up that process ${owner} is doing in this clone`)
      await wait(300)
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

function tryLink(file) {
  try {
    linkSync(file, lockFile)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** The living process that holds the lock; undefined when it died before it could let go. */
function readOwner() {
  try {
    const pid = Number(readFileSync(lockFile, 'utf8'))
    if (!(pid > 0)) return undefined
    process.kill(pid, 0)
    return pid
  } catch (error) {
    return error.code === 'EPERM' ? 'of another user' : undefined
  }
}
