/**
 * What a fresh real API needs before nodes join: the role of the node runtimes, and the agents' service account with
 * the very manifests that users install, and a token file for the agents. The token is good for a year and made anew at
 * every start, never in between: no lab runs that long.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { KubeClient } from '../../../kube/client.ts'
import { KubeStatusError } from '../../../kube/client.ts'
import { users } from './credentials.ts'

const agentManifests = new URL('../../../../deploy/agent-rbac.yaml', import.meta.url)
const rbac = '/apis/rbac.authorization.k8s.io/v1'
const tokenSeconds = 365 * 24 * 3600

interface Manifest {
  kind: string
  metadata: { name: string; namespace?: string }
}

const collections: Record<string, (namespace: string) => string> = {
  Namespace: () => '/api/v1/namespaces',
  ServiceAccount: (namespace) => `/api/v1/namespaces/${namespace}/serviceaccounts`,
  ClusterRole: () => `${rbac}/clusterroles`,
  ClusterRoleBinding: () => `${rbac}/clusterrolebindings`,
}

/** Creates what is missing, and `<stateDirectory>/agent.token` when `withAgents`. */
export async function bootstrap(
  client: KubeClient,
  stateDirectory: string,
  withAgents: boolean,
): Promise<void> {
  const manifests = parseAllDocuments(await readFile(agentManifests, 'utf8')).map(
    (each) => each.toJS() as Manifest,
  )
  for (const manifest of [...manifests, ...runtimeRole()]) await createUnlessThere(client, manifest)
  if (!withAgents) return
  const account = manifests.find(({ kind }) => kind === 'ServiceAccount')
  if (account === undefined) throw new Error('the manifests of the agent have no ServiceAccount')
  const { status } = await client.json<{ status: { token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${account.metadata.namespace}/serviceaccounts/${account.metadata.name}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: tokenSeconds },
    },
  })
  // In one step: an agent may read it at any moment.
  const path = join(stateDirectory, 'agent.token')
  await writeFile(`${path}.new`, status.token, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

async function createUnlessThere(client: KubeClient, manifest: Manifest): Promise<void> {
  const collection = collections[manifest.kind]
  if (collection === undefined) throw new Error(`no path known for ${manifest.kind}`)
  try {
    await client.json({ method: 'POST', path: collection(manifest.metadata.namespace ?? ''), body: manifest })
  } catch (error) {
    if (!(error instanceof KubeStatusError && error.status === 409)) throw error
  }
}

/** What a kubelet may do, as far as the lab's node runtime does it. */
function runtimeRole(): Manifest[] {
  const metadata = { name: users.runtime.user }
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata,
    rules: [
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'create', 'patch'] },
      { apiGroups: [''], resources: ['nodes/status', 'pods/status'], verbs: ['patch'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'delete'] },
      { apiGroups: [''], resources: ['services'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create', 'patch'] },
    ],
  }
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: users.runtime.user },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: users.runtime.user }],
  }
  return [role, binding]
}
