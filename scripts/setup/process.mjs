/*
 * Processes for the set-up scripts. Plain JavaScript without dependencies, down to Node 18: it runs before anything
 * is installed, on whatever Node the machine came with.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
export const localBin = join(root, 'node_modules', '.bin')
export const localNode = join(localBin, 'node')

/** Tells the person at the terminal what is being done; results go to stdout, this does not. */
export function say(text) {
  process.stderr.write(`${text}\n`)
}

/** Says whether a file exists and may be executed. */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Finds a tool on PATH or in the sbin directories, which `su` without `-` leaves out of PATH. */
export function findTool(name) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return directories.map((directory) => join(directory, name)).find(isExecutable)
}

/** Runs a tool without input and resolves with its exit code and the end of what it wrote. */
export function capture(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-20_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code, signal) => resolve({ code: code ?? signalCode(signal), output: output.trim() }))
  })
}

/**
 * Runs the real command in the foreground and resolves with its exit code.
 *
 * Ctrl-C reaches the whole process group: the child tears its lab down, and this process must outlive it to pass on
 * the exit code.
 */
export function runInForeground(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', cwd: root, ...options })
    const ignore = () => {}
    const forward = (signal) => child.kill(signal)
    process.on('SIGINT', ignore)
    process.on('SIGTERM', forward)
    process.on('SIGHUP', forward)
    const finish = (code) => {
      process.off('SIGINT', ignore)
      process.off('SIGTERM', forward)
      process.off('SIGHUP', forward)
      resolve(code)
    }
    child.on('error', (error) => {
      say(`${command}: ${error.message}`)
      finish(127)
    })
    child.on('close', (code, signal) => finish(code ?? signalCode(signal)))
  })
}

/** The environment without our own node_modules/.bin, so that npm is not run by a Node it is about to replace. */
export function environmentOutside() {
  const path = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== localBin)
  return { ...process.env, PATH: path.join(delimiter) }
}

/** The environment of the real command: our own tools and Node 24 first. */
export function environmentInside() {
  return { ...process.env, PATH: [localBin, environmentOutside().PATH, '/usr/sbin', '/sbin'].join(delimiter) }
}

/** Last lines of a tool's output, indented. */
export function tail(output, lines = 8) {
  return output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .map((line) => `    ${line}`)
    .join('\n')
}

export function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

function signalCode(signal) {
  return 128 + (osConstants.signals[signal] ?? 0)
}
