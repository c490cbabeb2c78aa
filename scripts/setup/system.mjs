/*
 * What the lab needs from the machine, and how it gets there: Debian packages, and the right to make namespaces.
 *
 * FRR's package starts its service when it is installed. Labs start their own daemons, one set a namespace, and a
 * routing daemon on the host itself is the host owner's business; so a policy-rc.d denies that one start while the
 * package is installed, and the service is left disabled. A machine that already has FRR is not touched at all.
 */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture, findTool, isExecutable, say, tail, wait } from './process.mjs'

const frrDirectories = ['/usr/lib/frr', '/usr/libexec/frr']
const frrDaemons = ['zebra', 'bgpd', 'bfdd', 'staticd']
const frrServices = ['/lib/systemd/system/frr.service', '/etc/systemd/system/frr.service', '/etc/init.d/frr']
const policyFile = '/usr/sbin/policy-rc.d'
const policy = `#!/bin/sh
# Weft's set-up is installing FRR: its service is not to start. This file goes when that is done.
case "$1" in frr|frr.service) exit 101 ;; esac
exit 0
`

const requirements = [
  {
    package: 'frr',
    why: 'zebra, bgpd, bfdd and staticd are the routers',
    isPresent: () =>
      frrDirectories.some((directory) => frrDaemons.every((name) => isExecutable(join(directory, name)))) &&
      findTool('vtysh') !== undefined,
  },
  {
    package: 'iproute2',
    why: 'ip makes the network namespaces and the links between them',
    isPresent: () => findTool('ip') !== undefined,
  },
  {
    package: 'nftables',
    why: 'nft forwards Service traffic on lab nodes and drops packets for silent failures',
    isPresent: () => findTool('nft') !== undefined,
  },
  {
    package: 'util-linux',
    why: 'nsenter runs a process inside a namespace',
    isPresent: () => findTool('nsenter') !== undefined,
  },
  {
    package: 'procps',
    why: 'sysctl sets the kernel parameters of a namespace',
    isPresent: () => findTool('sysctl') !== undefined,
  },
  {
    package: 'tcpdump',
    why: 'tcpdump gives the kernel’s own times of probe packets',
    isPresent: () => findTool('tcpdump') !== undefined,
  },
  {
    package: 'kubernetes-client',
    why: 'tests drive the embedded Kubernetes API with kubectl',
    isPresent: () => findTool('kubectl') !== undefined,
    isTestOnly: true,
  },
  {
    package: 'curl',
    why: 'tests ask Services for their answer with it, from within namespaces',
    isPresent: () => findTool('curl') !== undefined,
    isTestOnly: true,
  },
  {
    package: 'iputils-ping',
    why: 'tests ask whether service addresses answer ping',
    isPresent: () => findTool('ping') !== undefined,
    isTestOnly: true,
  },
  {
    package: 'git',
    why: 'tests compare a plan with a git revision',
    isPresent: () => findTool('git') !== undefined,
    isTestOnly: true,
  },
]

/**
 * Makes the machine fit for a lab where that is possible, and returns what stands in the way: an empty list when
 * nothing does.
 */
export async function prepareSystem(purpose) {
  if (process.platform !== 'linux') {
    return [`this is ${process.platform}: labs are made of Linux network namespaces`]
  }
  const missing = requirements.filter((need) => (purpose === 'test' || !need.isTestOnly) && !need.isPresent())
  if (process.getuid() !== 0) {
    return [
      `you are not root (uid ${process.getuid()}): labs create network namespaces; run as root, or with sudo`,
      ...missing.map(describe),
    ]
  }
  if (missing.length > 0) {
    const problem = await installPackages(missing)
    if (problem !== undefined) return [problem, ...missing.filter((need) => !need.isPresent()).map(describe)]
  }
  return await findNamespaceProblems()
}

function describe(need) {
  return `missing ${need.package}: ${need.why}`
}

async function installPackages(needs) {
  if (findTool('apt-get') === undefined) {
    return 'there is no apt-get here: install what is missing with the means of this system (FRR 8.4 or later)'
  }
  for (const need of needs) say(`setup: installing ${need.package}: ${need.why}`)
  const updated = await aptGet(['update'])
  if (updated.code !== 0)
    say(`setup: apt-get update failed, going on with the lists there are\n${tail(updated.output)}`)
  const names = needs.map((need) => need.package)
  const bringsService = names.includes('frr') && !frrServices.some((path) => existsSync(path))
  const install = () =>
    // --no-remove: FRR conflicts with other routing daemons, and taking one of those away is not ours to decide.
    aptGet(['install', '--yes', '--no-install-recommends', '--no-remove', ...names])
  const installed = await (bringsService ? withoutServiceStart(install) : install())
  if (bringsService && installed.code === 0) {
    if (findTool('systemctl') !== undefined) await capture('systemctl', ['disable', '--now', 'frr.service'])
    say('setup: the frr service of this machine is off; labs run their own daemons')
  }
  if (installed.code !== 0) return `apt-get install ${names.join(' ')} failed:\n${tail(installed.output)}`
  const absent = needs.filter((need) => !need.isPresent())
  if (absent.length > 0)
    return `apt-get installed ${absent.map((need) => need.package)}, but not what it is for`
  return undefined
}

async function withoutServiceStart(install) {
  // Somebody else's policy (containers bring one that denies everything) stays in charge; ours may be left over.
  const isOurs = !existsSync(policyFile) || readFileSync(policyFile, 'utf8') === policy
  const cleanUp = () => isOurs && rmSync(policyFile, { force: true })
  const stop = () => {
    cleanUp()
    process.exit(130)
  }
  if (isOurs) {
    writeFileSync(policyFile, policy)
    chmodSync(policyFile, 0o755)
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  }
  try {
    return await install()
  } finally {
    cleanUp()
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

async function aptGet(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Options::=--force-confold']
  // The dpkg lock is waited for by apt itself, the lock on the package lists is not.
  for (let attempt = 1; ; attempt++) {
    const result = await capture('apt-get', [...options, ...args], { env })
    if (result.code === 0 || attempt === 60 || !/Could not get lock|Unable to lock/.test(result.output))
      return result
    if (attempt === 1) say('setup: waiting for another apt to finish')
    await wait(3000)
  }
}

async function findNamespaceProblems() {
  // In a namespace of its own, which goes when the process ends: nothing to clean up whatever happens.
  const probe = await capture('unshare', [
    ...['--net', '--mount', '--', 'ip', 'link', 'add', 'probe-a', 'type', 'veth', 'peer', 'name', 'probe-b'],
  ])
  if (probe.code === 0) return []
  return [
    `root may not make network namespaces and veth links here (a container needs --privileged): ${probe.output}`,
  ]
}
