/**
 * Builds the programs of a real control plane from their sources, which Go fetches the way it is set up to.
 *
 * `go install k8s.io/kubernetes/cmd/…@version` is refused, because that module's go.mod replaces its own parts with
 * folders of its repository. The parts are published beside each release, so a module made here requires the release
 * and replaces each part with its published version. etcd comes out of the same module graph, in the version that the
 * release was tested with, and most of it has been compiled by then.
 *
 * Programs are built into a folder beside their place and renamed, so that what is there is always whole.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { WeftError } from '../../../diagnostics/error.ts'
import { run } from '../../../linux/run.ts'

export interface BuildOptions {
  /** Path of the go command. */
  go: string
  version: string
  programs: readonly string[]
  /** Where the programs go. */
  folder: string
  onProgress: (line: string) => void
}

const etcdSource = `package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
`
const workPrefix = '.building-'
/** A first build on two busy cores takes a quarter of an hour. */
const buildTimeoutMs = 45 * 60_000

/** Builds the programs; rejects with the compiler's last words when that fails. */
export async function buildBinaries(options: BuildOptions): Promise<void> {
  const { version, programs, folder, onProgress } = options
  const started = performance.now()
  const parent = dirname(folder)
  await mkdir(parent, { recursive: true })
  await removeAbandoned(parent)
  const work = join(parent, `${workPrefix}${process.pid}`)
  await mkdir(work)
  try {
    onProgress(`fetching the sources of Kubernetes ${version}`)
    await writeFile(join(work, 'go.mod'), await moduleFile(options, work))
    await mkdir(join(work, 'etcd'))
    await writeFile(join(work, 'etcd', 'main.go'), etcdSource)
    const commands = programs
      .filter((program) => program !== 'etcd')
      .map((name) => `k8s.io/kubernetes/cmd/${name}`)
    // With the version: without one Go would take the latest.
    const sources = [...commands, 'k8s.io/kubernetes'].map((path) => `${path}@${version}`)
    await go(options, work, ['get', ...sources], (line) => onProgress(line))
    onProgress(`compiling ${programs.join(', ')}: this is done once and takes minutes`)
    const targets = [...(programs.includes('etcd') ? ['./etcd'] : []), ...commands]
    let compiled = 0
    await go(options, work, buildArguments(version, `${join(work, 'bin')}/`, targets), () => {
      compiled++
      if (compiled % 100 === 0) onProgress(`compiled ${compiled} packages`)
    })
    await mkdir(folder, { recursive: true })
    for (const program of programs) await rename(join(work, 'bin', program), join(folder, program))
    onProgress(`built in ${Math.round((performance.now() - started) / 1000)} s into ${folder}`)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Folders of builds whose process was killed. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const isAbandoned = name.startsWith(workPrefix) && !existsSync(`/proc/${name.slice(workPrefix.length)}`)
    if (isAbandoned) await rm(join(parent, name), { recursive: true, force: true })
  }
}

function buildArguments(version: string, output: string, targets: readonly string[]): string[] {
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(version) ?? []
  const stamp = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  const stamps = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((part) =>
    Object.entries(stamp).map(([name, value]) => `-X ${part}.${name}=${value}`),
  )
  const parallelism = String(Math.max(1, Math.min(availableParallelism(), 4)))
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', ['-s', '-w', ...stamps].join(' ')]
  return ['build', '-v', '-p', parallelism, ...flags, '-o', output, ...targets]
}

/** The module that requires the release and names each of its parts by its published version. */
async function moduleFile({ go, version }: BuildOptions, work: string): Promise<string> {
  const argv = [go, 'mod', 'download', '-json', `k8s.io/kubernetes@${version}`] as const
  const { stdout } = await run(argv, { cwd: work, timeoutMs: 10 * 60_000 })
  const { GoMod } = JSON.parse(stdout) as { GoMod: string }
  const published = await readFile(GoMod, 'utf8')
  const parts = [...published.matchAll(/^\s*(?:replace )?(\S+) => \.\/staging\//gm)].map(([, part]) => part)
  const goVersion = /^go \S+$/m.exec(published)?.[0] ?? ''
  const defaults = /^godebug .*$/m.exec(published)?.[0] ?? ''
  const partVersion = version.replace(/^v1\./, 'v0.')
  return [
    'module weft.local/kubernetes',
    goVersion,
    defaults,
    `require k8s.io/kubernetes ${version}`,
    ...parts.map((part) => `replace ${part} => ${part} ${partVersion}`),
    '',
  ].join('\n')
}

async function go(
  { go: command }: BuildOptions,
  cwd: string,
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<void> {
  // At low priority: somebody may be measuring.
  const child = spawn('nice', [command, ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: buildTimeoutMs,
    env: { ...process.env, GOFLAGS: '-mod=mod', GOWORK: 'off', CGO_ENABLED: '0' },
  })
  const lastLines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastLines.push(line)
    if (lastLines.length > 15) lastLines.shift()
    onLine(line)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return
  throw new WeftError('WEFT_KUBERNETES_BUILD', `go ${args[0]} failed:\n${lastLines.join('\n')}`, {
    hint: 'Go 1.25 or later and a module proxy that it reaches (go env GOPROXY) are needed; "--kubernetes embedded" needs neither',
    exitCode: 3,
  })
}
