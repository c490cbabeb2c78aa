import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubeconfigAccess } from './kubeconfig.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-kubeconfig-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function kubeconfig(user: unknown, cluster: object = {}, name = 'config'): Promise<string> {
  const file = join(folder, name)
  const config = {
    clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'here',
  }
  await writeFile(file, JSON.stringify(config))
  return file
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

test('a token and the authority beside the file', async () => {
  await writeFile(join(folder, 'ca.crt'), 'AUTHORITY')
  const file = await kubeconfig({ token: 'secret' }, { 'certificate-authority': 'ca.crt' })

  const access = await kubeconfigAccess({ file })

  expect(access).toMatchObject({ url: 'https://10.0.0.1:6443', ca: 'AUTHORITY' })
  expect(await access.authorize?.()).toEqual({ authorization: 'Bearer secret' })
})

test('a token file is read for every request', async () => {
  await writeFile(join(folder, 'token'), 'one\n')
  const { authorize } = await kubeconfigAccess({ file: await kubeconfig({ tokenFile: 'token' }) })

  expect(await authorize?.()).toEqual({ authorization: 'Bearer one' })
  await writeFile(join(folder, 'token'), 'two\n')
  expect(await authorize?.()).toEqual({ authorization: 'Bearer two' })
})

test('client certificates in the file', async () => {
  const user = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') }
  expect(await kubeconfigAccess({ file: await kubeconfig(user) })).toMatchObject({ cert: 'CERT', key: 'KEY' })
})

test('a plug-in is asked again when its token expires', async () => {
  const plugin = join(folder, 'login')
  const credential = (expires: string) => ({ status: { token: '$N', expirationTimestamp: expires } })
  await writeFile(
    plugin,
    `#!/bin/sh
echo x >> ${folder}/asked
N=$(wc -l < ${folder}/asked)
cat <<END
${JSON.stringify(credential('2001-01-01T00:00:00Z'))}
END
`,
  )
  await chmod(plugin, 0o755)
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './login' }
  const { authorize } = await kubeconfigAccess({ file: await kubeconfig({ exec }) })

  expect(await authorize?.()).toEqual({ authorization: 'Bearer 2' })
  expect(await authorize?.()).toEqual({ authorization: 'Bearer 3' })
})

test('of several files the first that says something wins, and missing ones are skipped', async () => {
  await kubeconfig({ token: 'first' }, {}, 'first')
  await kubeconfig({ token: 'second' }, { server: 'https://10.0.0.2' }, 'second')
  const env = { KUBECONFIG: ['missing', 'first', 'second'].map((name) => join(folder, name)).join(':') }

  const access = await kubeconfigAccess({ env })

  expect(access.url).toBe('https://10.0.0.1:6443')
  expect(await access.authorize?.()).toEqual({ authorization: 'Bearer first' })
})

test.each([
  ['an unknown context', { token: 'x' }, {}, { context: 'there' }, /no context "there"/],
  [
    'no certificate check',
    { token: 'x' },
    { 'insecure-skip-tls-verify': true },
    {},
    /insecure-skip-tls-verify/,
  ],
  ['a certificate without its key', { 'client-certificate-data': 'eA==' }, {}, {}, /needs its client-key/],
  [
    'a way to log in that is gone',
    { 'auth-provider': { name: 'oidc' } },
    {},
    {},
    /"auth-provider" is no longer/,
  ],
  [
    'a plug-in that is not there',
    { exec: { apiVersion: 'v1', command: './nowhere' } },
    {},
    {},
    /cannot be started/,
  ],
])('refuses %s', async (_, user, cluster, options, message) => {
  const file = await kubeconfig(user, cluster)
  await expect(kubeconfigAccess({ file, ...options })).rejects.toMatchObject({
    code: 'WEFT_KUBECONFIG',
    message: expect.stringMatching(message) as string,
  })
})
