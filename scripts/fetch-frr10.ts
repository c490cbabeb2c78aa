/*
 * Unpacks FRR 10 of Debian 13 beside the FRR that is installed, so that configurations can be tried on both.
 *
 * Nothing is installed: packages come through apt from the mirror this machine is set up for, into apt folders of
 * their own, and are unpacked into a tree that daemons are later started in with chroot. The tree is made once and
 * kept in the user's cache; delete the folder to have it made anew.
 *
 *   node scripts/fetch-frr10.ts      prints the folder
 */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { WeftError } from '../src/diagnostics/error.ts'
import { run } from '../src/linux/run.ts'

const suite = 'trixie'

/** Where the tree is, or would be. */
export function frr10Root(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'weft', 'frr10')
}

/** Returns the tree, made now if it was not there; rejects with the reason when it cannot be had. */
export async function fetchFrr10(): Promise<string> {
  const root = frr10Root()
  if (existsSync(join(root, 'usr/lib/frr/bgpd'))) return root
  if (process.getuid?.() !== 0)
    throw new WeftError('WEFT_FRR10_ROOT', 'unpacking FRR 10 and starting it in a chroot needs root')
  const mirror = await findMirror()
  await mkdir(dirname(root), { recursive: true })
  // Built beside its place and then renamed, so that what is there is always whole.
  const building = await mkdtemp(`${root}-`)
  try {
    const packages = await downloadPackages(mirror, join(building, 'apt'))
    const tree = join(building, 'root')
    await mkdir(tree)
    for (const file of packages) await run(['dpkg-deb', '-x', file, tree])
    await furnish(tree)
    await rename(tree, root)
  } finally {
    await rm(building, { recursive: true, force: true })
  }
  return root
}

interface Mirror {
  uri: string
  keyring: string | null
}

/** The mirror of this machine's own Debian release. */
async function findMirror(): Promise<Mirror> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1]
  if (!/^ID=debian$/m.test(release) || codename === undefined)
    throw new WeftError('WEFT_FRR10_DEBIAN', 'FRR 10 is fetched with apt, and this is not a Debian machine')
  const folder = '/etc/apt/sources.list.d'
  const files = [
    '/etc/apt/sources.list',
    ...(await readdir(folder).catch(() => [])).map((name) => join(folder, name)),
  ]
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const found = file.endsWith('.sources') ? readDeb822(text, codename) : readOneLine(text, codename)
    if (found !== null) return found
  }
  throw new WeftError('WEFT_FRR10_MIRROR', `no apt source for Debian ${codename} is configured in /etc/apt`)
}

function readDeb822(text: string, codename: string): Mirror | null {
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'mi').exec(stanza)?.[1]?.trim() ?? ''
    if (!field('Suites').split(/\s+/).includes(codename)) continue
    const uri = field('URIs').split(/\s+/)[0]
    const keyring = field('Signed-By')
    if (uri) return { uri, keyring: keyring.startsWith('/') ? keyring : null }
  }
  return null
}

function readOneLine(text: string, codename: string): Mirror | null {
  for (const line of text.split('\n')) {
    const found = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s/.exec(line)
    if (found === null || found[3] !== codename) continue
    return { uri: found[2]!, keyring: /signed-by=(\S+)/.exec(found[1] ?? '')?.[1] ?? null }
  }
  return null
}

async function downloadPackages(mirror: Mirror, folder: string): Promise<string[]> {
  const archives = join(folder, 'cache', 'archives')
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true })
  await mkdir(join(archives, 'partial'), { recursive: true })
  const signedBy = mirror.keyring === null ? '' : `[signed-by=${mirror.keyring}] `
  await writeFile(join(folder, 'sources.list'), `deb ${signedBy}${mirror.uri} ${suite} main\n`)
  // An empty list of what is installed: everything frr needs is fetched, down to the C library.
  await writeFile(join(folder, 'status'), '')
  const settings = {
    'Dir::State': folder,
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'APT::Sandbox::User': 'root',
    'APT::Install-Recommends': 'false',
    'Acquire::Languages': 'none',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  await run(['apt-get', ...options, '--quiet', 'update'], { timeoutMs: 120_000 })
  await run(['apt-get', ...options, '--quiet', '--yes', '--download-only', 'install', 'frr'], {
    timeoutMs: 300_000,
  })
  const files = (await readdir(archives)).filter((name) => name.endsWith('.deb'))
  return files.map((name) => join(archives, name))
}

/** What the packages' install scripts would have made: the merged /usr, users, and PAM letting vtysh in. */
async function furnish(tree: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    if (!existsSync(join(tree, name))) await symlink(`usr/${name}`, join(tree, name))
  }
  for (const name of ['proc', 'dev', 'run', 'tmp', 'var/tmp', 'var/lib/frr', 'etc/frr'])
    await mkdir(join(tree, name), { recursive: true })
  if (!existsSync(join(tree, 'var/run'))) await symlink('../run', join(tree, 'var/run'))
  await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nfrr:x:300:300::/:/bin/false\n')
  await writeFile(join(tree, 'etc/group'), 'root:x:0:\nfrr:x:300:\nfrrvty:x:301:frr\n')
  await mkdir(join(tree, 'etc/pam.d'), { recursive: true })
  for (const name of ['frr', 'other'])
    await writeFile(
      join(tree, 'etc/pam.d', name),
      'auth sufficient pam_permit.so\naccount sufficient pam_permit.so\n',
    )
}

if (import.meta.main) console.log(await fetchFrr10())
