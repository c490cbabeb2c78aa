/**
 * Access to a cluster by a kubeconfig, as kubectl reads it: $KUBECONFIG, else ~/.kube/config.
 *
 * Read are: clusters with certificate-authority(-data) and insecure-skip-tls-verify (refused), users with a token, a
 * token file, client certificates, or an exec plug-in (client.authentication.k8s.io/v1 and v1beta1). Tokens from files
 * are read for every request and those of plug-ins renewed when they expire. Basic authentication and the built-in
 * provider plug-ins are gone from Kubernetes and are refused with the way out. Why not the official client:
 * docs/decisions/kubeconfig.md.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { WeftError } from '../diagnostics/error.ts'
import { type KubeAccess, tokenFileAuthorization } from './client.ts'

export interface KubeconfigOptions {
  /** Default: $KUBECONFIG, else ~/.kube/config. */
  file?: string
  /** Default: the current context. */
  context?: string
  env?: NodeJS.ProcessEnv
}

type Fields = Record<string, unknown>

interface Found {
  fields: Fields
  /** The file it stands in: paths are relative to it. */
  file: string
}

const execTimeoutMs = 60_000
/** A plug-in's token is renewed this long before it expires. */
const renewEarlyMs = 10_000

/** Reads a kubeconfig; rejects with what is wrong in which file. */
export async function kubeconfigAccess(options: KubeconfigOptions = {}): Promise<KubeAccess> {
  const env = options.env ?? process.env
  const config = await readFiles(filesOf(options, env))
  const contextName = options.context ?? config.currentContext
  if (contextName === undefined)
    throw invalid(config.source, 'there is no current-context', 'choose one with --context')
  const context = config.find('contexts', contextName, 'context')
  const cluster = config.find('clusters', text(context.fields.cluster) ?? '', 'cluster')
  const userName = text(context.fields.user)
  const user =
    userName === undefined ? { fields: {}, file: cluster.file } : config.find('users', userName, 'user')
  const url = text(cluster.fields.server)
  if (url === undefined)
    throw invalid(cluster.file, `cluster "${text(context.fields.cluster)}" has no server`)
  if (cluster.fields['insecure-skip-tls-verify'] === true)
    throw invalid(
      cluster.file,
      'insecure-skip-tls-verify is set, and an API that anybody can pretend to be is not used',
      'give the certificate authority: certificate-authority or certificate-authority-data',
    )
  const serverName = text(cluster.fields['tls-server-name'])
  const ca = await readPem(cluster, 'certificate-authority')
  return {
    url,
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(await userAccess(user, env)),
  }
}

async function userAccess(user: Found, env: NodeJS.ProcessEnv): Promise<Partial<KubeAccess>> {
  const { fields, file } = user
  const cert = await readPem(user, 'client-certificate')
  const key = await readPem(user, 'client-key')
  if ((cert === undefined) !== (key === undefined))
    throw invalid(file, 'a client-certificate needs its client-key, and the other way round')
  const certificate = cert === undefined || key === undefined ? {} : { cert, key }
  const tokenFile = text(fields.tokenFile)
  if (tokenFile !== undefined)
    return { ...certificate, ...tokenFileAuthorization(resolve(dirname(file), tokenFile)) }
  const token = text(fields.token)
  if (token !== undefined)
    return { ...certificate, authorize: async () => ({ authorization: `Bearer ${token}` }) }
  if (fields.exec !== undefined) return await execAccess(fields.exec as Fields, file, env)
  const unsupported = ['auth-provider', 'username'].find((name) => fields[name] !== undefined)
  if (unsupported !== undefined)
    throw invalid(
      file,
      `"${unsupported}" is no longer a way to log in to Kubernetes`,
      'use an exec plug-in or a token',
    )
  return certificate
}

interface ExecStatus {
  expirationTimestamp?: string
  token?: string
  clientCertificateData?: string
  clientKeyData?: string
}

/** Certificates are taken once, for the connections of this command; tokens are renewed. */
async function execAccess(exec: Fields, file: string, env: NodeJS.ProcessEnv): Promise<Partial<KubeAccess>> {
  let status = await runPlugin(exec, file, env)
  if (status.clientCertificateData !== undefined && status.clientKeyData !== undefined)
    return { cert: status.clientCertificateData, key: status.clientKeyData }
  return {
    async authorize() {
      const expiresAt = Date.parse(status.expirationTimestamp ?? '')
      if (expiresAt - renewEarlyMs < Date.now()) status = await runPlugin(exec, file, env)
      return { authorization: `Bearer ${status.token}` }
    },
  }
}

async function runPlugin(exec: Fields, file: string, env: NodeJS.ProcessEnv): Promise<ExecStatus> {
  const command = text(exec.command)
  const apiVersion = text(exec.apiVersion)
  if (command === undefined || apiVersion === undefined)
    throw invalid(file, 'an exec section needs "command" and "apiVersion"')
  // Names without a slash are looked for in PATH, others beside the file.
  const path = command.includes('/') ? resolve(dirname(file), command) : command
  const extra = ((exec.env ?? []) as { name: string; value: string }[]).map(({ name, value }) => [
    name,
    value,
  ])
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: process.stdin.isTTY === true } }
  const child = spawn(path, (exec.args ?? []) as string[], {
    // Plug-ins may ask the user, who sees what they say.
    stdio: ['inherit', 'pipe', 'inherit'],
    timeout: execTimeoutMs,
    env: { ...env, ...Object.fromEntries(extra), KUBERNETES_EXEC_INFO: JSON.stringify(info) },
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [code] = (await once(child, 'close').catch((cause: Error) => {
    const hint = text(exec.installHint) ?? `install "${command}", which ${file} names`
    throw invalid(file, `the log-in plug-in cannot be started: ${cause.message}`, hint)
  })) as [number | null]
  if (code !== 0)
    throw invalid(
      file,
      `the log-in plug-in "${command}" ended with ${code ?? 'a timeout'}`,
      'it said why above',
    )
  const { status } = parseCredential(Buffer.concat(chunks).toString(), command, file)
  if (status?.token === undefined && status?.clientCertificateData === undefined)
    throw invalid(file, `the log-in plug-in "${command}" gave neither a token nor a certificate`)
  return status
}

function parseCredential(output: string, command: string, file: string): { status?: ExecStatus } {
  try {
    return JSON.parse(output) as { status?: ExecStatus }
  } catch {
    throw invalid(file, `the log-in plug-in "${command}" did not answer with JSON`)
  }
}

/** `<name>-data` in base64 wins over a path. */
async function readPem({ fields, file }: Found, name: string): Promise<string | undefined> {
  const data = text(fields[`${name}-data`])
  if (data !== undefined) return Buffer.from(data, 'base64').toString()
  const path = text(fields[name])
  if (path === undefined) return undefined
  return await readFile(resolve(dirname(file), path), 'utf8').catch((cause: Error) => {
    throw invalid(file, `${name}: ${cause.message}`)
  })
}

function filesOf({ file }: KubeconfigOptions, env: NodeJS.ProcessEnv): string[] {
  if (file !== undefined) return [file]
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '')
  return listed.length > 0 ? listed : [join(env.HOME ?? homedir(), '.kube', 'config')]
}

interface Merged {
  source: string
  currentContext: string | undefined
  find(list: 'contexts' | 'clusters' | 'users', name: string, field: string): Found
}

/** Several files count as one, and the first that says something wins. */
async function readFiles(files: readonly string[]): Promise<Merged> {
  const source = files.join(', ')
  const documents: { file: string; root: Fields }[] = []
  for (const file of files) {
    const content = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      // Of several files some may be missing.
      if (cause.code === 'ENOENT' && files.length > 1) return null
      throw invalid(file, cause.message, 'name a kubeconfig with KUBECONFIG or --kubeconfig')
    })
    if (content !== null) documents.push({ file, root: parseYaml(content, file) })
  }
  if (documents.length === 0) throw invalid(source, 'none of these files is there')
  return {
    source,
    currentContext: documents
      .map(({ root }) => text(root['current-context']))
      .find((name) => name !== undefined),
    find(list, name, field) {
      for (const { file, root } of documents) {
        const entries = Array.isArray(root[list]) ? (root[list] as Fields[]) : []
        const entry = entries.find((each) => each.name === name)
        if (entry !== undefined) return { fields: (entry[field] ?? {}) as Fields, file }
      }
      const names = documents.flatMap(({ root }) => ((root[list] ?? []) as Fields[]).map((each) => each.name))
      throw invalid(source, `there is no ${field} "${name}"`, `there are: ${names.join(', ') || '(none)'}`)
    },
  }
}

function parseYaml(content: string, file: string): Fields {
  try {
    const root: unknown = parse(content)
    if (typeof root === 'object' && root !== null) return root as Fields
  } catch (cause) {
    throw invalid(file, `is not YAML: ${(cause as Error).message}`)
  }
  throw invalid(file, 'is not a kubeconfig')
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function invalid(file: string, problem: string, hint?: string): WeftError {
  return new WeftError('WEFT_KUBECONFIG', `${file}: ${problem}`, {
    ...(hint === undefined ? {} : { hint }),
    exitCode: 2,
  })
}
