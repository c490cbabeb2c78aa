/**
 * Where the programs of a real Kubernetes control plane are: in the folder that KUBEBUILDER_ASSETS names, else in the
 * user's cache, where `npm run kubernetes:build` (or the first `weft lab up --kubernetes real`) puts them.
 */
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { WeftError } from '../../../diagnostics/error.ts'
import { buildBinaries } from './build.ts'

/** The release that is built. Needs Go 1.25 or later. */
const kubernetesVersion = 'v1.35.4'

export const controlPlanePrograms = ['etcd', 'kube-apiserver'] as const
export const clusterPrograms = [
  ...controlPlanePrograms,
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
] as const

export type Program = (typeof clusterPrograms)[number]
export type Binaries = Readonly<Partial<Record<Program, string>>>

/** Where built programs are kept. */
export function binariesCache(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'weft', 'kubernetes', kubernetesVersion)
}

/** The programs that are there, by name. */
export async function findBinaries(env: NodeJS.ProcessEnv = process.env): Promise<Binaries> {
  const folders = [...(env.KUBEBUILDER_ASSETS ? [env.KUBEBUILDER_ASSETS] : []), binariesCache(env)]
  const found: Partial<Record<Program, string>> = {}
  for (const program of clusterPrograms) {
    const path = await findExecutable(program, folders)
    if (path !== undefined) found[program] = path
  }
  return found
}

/** The wanted programs; what is missing is built first, which takes minutes. Rejects with what to do when it cannot be. */
export async function requireBinaries(
  wanted: readonly Program[],
  onProgress: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Binaries> {
  const missing = await missingBinaries(wanted, env)
  if (missing.length === 0) return await findBinaries(env)
  const go = await findExecutable('go', (env.PATH ?? '').split(delimiter))
  if (go === undefined)
    throw new WeftError(
      'WEFT_KUBERNETES_BINARIES',
      `a real control plane needs ${missing.join(', ')}, and there is no Go to build them with`,
      {
        hint: `install Go 1.25 or later, or put the programs into ${binariesCache(env)} or a folder that KUBEBUILDER_ASSETS names; "--kubernetes embedded" needs none of them`,
        exitCode: 3,
      },
    )
  await buildBinaries({
    go,
    version: kubernetesVersion,
    programs: missing,
    folder: binariesCache(env),
    onProgress,
  })
  return await findBinaries(env)
}

/** Why the wanted programs cannot be run here without building them first; null when they are all there. */
export async function whyNoBinaries(wanted: readonly Program[]): Promise<string | null> {
  const missing = await missingBinaries(wanted)
  if (missing.length === 0) return null
  return `${missing.join(', ')} neither in KUBEBUILDER_ASSETS nor in ${binariesCache()}: build with "npm run kubernetes:build"`
}

async function missingBinaries(wanted: readonly Program[], env = process.env): Promise<Program[]> {
  const found = await findBinaries(env)
  return wanted.filter((program) => found[program] === undefined)
}

async function findExecutable(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name)
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isExecutable) return path
  }
  return undefined
}
