/* node_modules as the lock file wants it, and in it the Node 24 that everything is run with. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  capture,
  environmentOutside,
  isExecutable,
  localBin,
  localNode,
  root,
  say,
  tail,
} from './process.mjs'

const wantedMajor = 24
const modules = join(root, 'node_modules')

/** Installs what the lock file asks for when it is not there; returns the problem, or undefined. */
export async function prepareModules() {
  const reason = findStaleReason()
  if (reason !== undefined) {
    say(`setup: npm ci: ${reason}`)
    const started = Date.now()
    const result = await npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
    if (result.code !== 0) return `npm ci failed:\n${tail(result.output, 15)}`
    say(`setup: npm ci took ${Math.round((Date.now() - started) / 1000)} s`)
  }
  return await prepareNode()
}

function findStaleReason() {
  const installedFile = join(modules, '.package-lock.json')
  if (!existsSync(installedFile)) return 'node_modules is missing'
  const wanted = readPackages(join(root, 'package-lock.json'))
  const installed = readPackages(installedFile)
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue
    const found = installed[path]
    // Optional packages are native parts of other platforms: absent here, and rightly so.
    if (found === undefined && entry.optional) continue
    if (found?.version !== entry.version || found?.integrity !== entry.integrity) {
      return `node_modules is older than package-lock.json (${path.replace(/^node_modules\//, '')} ${entry.version})`
    }
  }
  return undefined
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
  } catch {
    return {}
  }
}

/*
 * The npm package `node` fetches its binary in an install script. Where scripts are switched off (ignore-scripts,
 * npm's own allow list) the package is there and the binary is not.
 */
async function prepareNode() {
  if (await isWantedNode(localNode)) return undefined
  say(`setup: fetching the Node ${wantedMajor} binary: install scripts did not run`)
  await npm(['rebuild', 'node', '--ignore-scripts=false', '--loglevel=error'])
  if (await isWantedNode(localNode)) return undefined
  const problem = await fetchNodeBinary()
  if (await isWantedNode(localNode)) return undefined
  return `Node ${wantedMajor} is not to be had (this is ${process.version}): ${problem ?? 'the binary does not run'}`
}

async function isWantedNode(path) {
  if (!isExecutable(path)) return false
  const { code, output } = await capture(path, ['--version'])
  return code === 0 && Number(/^v(\d+)\./.exec(output)?.[1]) >= wantedMajor
}

async function fetchNodeBinary() {
  const { version } = JSON.parse(readFileSync(join(modules, 'node', 'package.json'), 'utf8'))
  const name = `node-${process.platform}-${process.arch}`
  const scratch = mkdtempSync(join(tmpdir(), 'weft-node-'))
  try {
    const args = ['install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--prefix', scratch]
    const result = await npm([...args, `${name}@${version}`], scratch)
    if (result.code !== 0) return `npm install ${name}@${version} failed:\n${tail(result.output)}`
    mkdirSync(join(modules, 'node', 'bin'), { recursive: true })
    copyFileSync(join(scratch, 'node_modules', name, 'bin', 'node'), join(modules, 'node', 'bin', 'node'))
    mkdirSync(localBin, { recursive: true })
    rmSync(localNode, { force: true })
    symlinkSync('../node/bin/node', localNode)
    return undefined
  } catch (error) {
    return error.message
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function npm(args, cwd = root) {
  const env = environmentOutside()
  const script = process.env.npm_execpath
  const node = process.env.npm_node_execpath
  // The npm that runs us, by the Node that runs it: neither need be the first one on PATH.
  return script?.endsWith('npm-cli.js') && node !== undefined && !node.startsWith(modules) && existsSync(node)
    ? capture(node, [script, ...args], { cwd, env })
    : capture('npm', args, { cwd, env })
}
