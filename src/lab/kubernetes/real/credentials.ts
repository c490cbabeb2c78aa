/**
 * Who may talk to a real API server, as files in its state folder: one random token for each component, the key that
 * signs service accounts' tokens, and kubeconfigs. Made once; a control plane that is started again finds its own.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export const users = {
  admin: { user: 'weft-lab-admin', groups: 'system:masters' },
  'controller-manager': { user: 'system:kube-controller-manager', groups: '' },
  scheduler: { user: 'system:kube-scheduler', groups: '' },
  'kube-proxy': { user: 'system:kube-proxy', groups: '' },
  /** The lab's node runtimes, which stand in for kubelets. */
  runtime: { user: 'weft-lab-runtime', groups: '' },
} as const

export type UserName = keyof typeof users

export interface Credentials {
  tokens: Readonly<Record<UserName, string>>
  tokenFile: string
  serviceAccountKeyFile: string
  /** Where the API server puts the certificate it makes for itself, with the authority that signed it. */
  certificateFolder: string
  caFile: string
}

/** Reads the credentials of a control plane, or makes them. */
export async function openCredentials(stateDirectory: string): Promise<Credentials> {
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 })
  const tokenFile = join(stateDirectory, 'tokens.csv')
  const serviceAccountKeyFile = join(stateDirectory, 'service-accounts.key')
  const certificateFolder = join(stateDirectory, 'certificates')
  const known = await readFile(tokenFile, 'utf8').catch(() => '')
  const tokens = known === '' ? makeTokens() : readTokens(known)
  if (known === '') {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    await writeFile(serviceAccountKeyFile, privateKey, { mode: 0o600 })
    await writeFile(tokenFile, tokenTable(tokens), { mode: 0o600 })
  }
  const caFile = join(certificateFolder, 'apiserver.crt')
  return { tokens, tokenFile, serviceAccountKeyFile, certificateFolder, caFile }
}

/** Writes a kubeconfig of one user and returns its path. */
export async function writeKubeconfig(
  stateDirectory: string,
  { tokens, caFile }: Credentials,
  user: UserName,
  server: string,
): Promise<string> {
  const path = join(stateDirectory, `${user}.kubeconfig`)
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name: user, user: { token: tokens[user] } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
    'current-context': 'lab',
  }
  await writeFile(path, JSON.stringify(config, null, 2), { mode: 0o600 })
  return path
}

function makeTokens(): Record<UserName, string> {
  const entries = Object.keys(users).map((name) => [name, randomBytes(24).toString('hex')])
  return Object.fromEntries(entries) as Record<UserName, string>
}

/** The API server's form: token, user, uid, groups. */
function tokenTable(tokens: Record<UserName, string>): string {
  const rows = Object.entries(users).map(
    ([name, { user, groups }]) =>
      `${tokens[name as UserName]},${user},${name}${groups ? `,"${groups}"` : ''}`,
  )
  return `${rows.join('\n')}\n`
}

function readTokens(table: string): Record<UserName, string> {
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.split(','))
  return Object.fromEntries(rows.map(([token, , name]) => [name, token])) as Record<UserName, string>
}
