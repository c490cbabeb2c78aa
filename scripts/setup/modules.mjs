/*
 * node_modules as the lock file wants it, and in it the Node 24 that everything is run with.
 *
 * npm leaves out native packages whose `engines` the running Node does not meet, without a word, so a machine with an
 * older Node gets a node_modules that does not work. Therefore npm itself is run with Node 24, fetched first if need
 * be.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import {
  capture,
  environmentOutside,
  findTool,
  isExecutable,
  localBin,
  localNode,
  root,
  say,
  tail,
} from './process.mjs'

const wantedMajor = 24
const modules = join(root, 'node_modules')
const quiet = ['--no-audit', '--no-fund', '--loglevel=error']

/** Installs what the lock file asks for when it is not there; returns the problem, or undefined. */
export async function prepareModules() {
  const reason = findStaleReason()
  if (reason === undefined && (await isWantedNode(localNode))) return undefined
  const scratch = mkdtempSync(join(tmpdir(), 'weft-node-'))
  const stop = () => {
    rmSync(scratch, { recursive: true, force: true })
    process.exit(130)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    const node = await findNode(scratch)
    if (reason !== undefined) {
      const problem = await installModules(reason, node.path)
      if (problem !== undefined) return problem
    }
    return await placeNode(node)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    rmSync(scratch, { recursive: true, force: true })
  }
}

function findStaleReason() {
  const installedFile = join(modules, '.package-lock.json')
  if (!existsSync(installedFile)) return 'node_modules is missing'
  const wanted = readPackages(join(root, 'package-lock.json'))
  const installed = readPackages(installedFile)
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || (entry.optional && installed[path] === undefined && !isForThisMachine(entry))) continue
    const found = installed[path]
    if (found?.version !== entry.version || found?.integrity !== entry.integrity) {
      return `node_modules lacks ${path.replace(/^node_modules\//, '')} ${entry.version}`
    }
  }
  return undefined
}

/** Optional packages are native parts, one a platform. Those that only others of them want name no platform. */
function isForThisMachine({ os, cpu, libc }) {
  if (os === undefined || cpu === undefined) return false
  const here = process.report?.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
  return (
    os.includes(process.platform) && cpu.includes(process.arch) && (libc === undefined || libc.includes(here))
  )
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
  } catch {
    return {}
  }
}

async function installModules(reason, node) {
  say(`setup: npm ci: ${reason}`)
  const started = Date.now()
  const result = await npm(['ci', '--include=dev', ...quiet], { node })
  if (result.code !== 0) return `npm ci failed:\n${tail(result.output, 15)}`
  say(`setup: npm ci took ${Math.round((Date.now() - started) / 1000)} s`)
  return undefined
}

/** A Node 24 outside node_modules: the running one, a copy of ours, or one fetched into `scratch`. */
async function findNode(scratch) {
  for (const path of [process.env.npm_node_execpath, process.execPath]) {
    if (path !== undefined && !path.startsWith(modules) && (await isWantedNode(path))) return { path }
  }
  const path = join(scratch, 'node')
  if (await isWantedNode(localNode)) {
    copyFileSync(localNode, path)
    return { path }
  }
  const { version } = readPackages(join(root, 'package-lock.json'))['node_modules/node'] ?? {}
  const name = `node-${process.platform}-${process.arch}`
  say(`setup: fetching Node ${version}: this machine has ${process.version}`)
  const args = ['install', '--no-save', '--no-package-lock', '--prefix', scratch, ...quiet]
  const result = await npm([...args, `${name}@${version}`], { cwd: scratch })
  const fetched = join(scratch, 'node_modules', name, 'bin', 'node')
  if (result.code === 0 && existsSync(fetched)) {
    copyFileSync(fetched, path)
    return { path }
  }
  return { problem: tail(result.output) }
}

/** The npm package `node` fetches its binary in an install script, which `ignore-scripts` and the like switch off. */
async function placeNode({ path, problem }) {
  if (await isWantedNode(localNode)) return undefined
  if (path === undefined) {
    return `Node ${wantedMajor} is not to be had (this is ${process.version}); install it and try again\n${problem}`
  }
  try {
    mkdirSync(localBin, { recursive: true })
    rmSync(localNode, { force: true })
    // A Node of the machine is there to stay, a fetched one is not.
    if (!path.startsWith(tmpdir())) {
      symlinkSync(path, localNode)
      return undefined
    }
    const target = join(modules, 'node', 'bin', 'node')
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(path, target)
    symlinkSync('../node/bin/node', localNode)
    return undefined
  } catch (error) {
    return `cannot put Node ${wantedMajor} into node_modules: ${error.message}`
  }
}

async function isWantedNode(path) {
  if (!isExecutable(path)) return false
  const { code, output } = await capture(path, ['--version'])
  return code === 0 && Number(/^v(\d+)\./.exec(output)?.[1]) >= wantedMajor
}

/** Runs npm with the given Node, or with its own. */
async function npm(args, { node, cwd = root } = {}) {
  const env = environmentOutside()
  const script = findNpmScript()
  if (node === undefined || script === undefined) return await capture('npm', args, { cwd, env })
  const path = [dirname(node), env.PATH].join(delimiter)
  return await capture(node, [script, ...args], { cwd, env: { ...env, PATH: path } })
}

function findNpmScript() {
  const tool = findTool('npm')
  const candidates = [process.env.npm_execpath, tool === undefined ? undefined : realpathSync(tool)]
  return candidates.find((path) => path?.endsWith('npm-cli.js') && existsSync(path))
}
