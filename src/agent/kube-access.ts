import { readFile } from 'node:fs/promises'
import { inClusterAccess, type KubeAccess, tokenFileAuthorization } from '../kube/client.ts'
import type { AgentConfig } from './config.ts'

/** How the API is reached and with which credentials. */
export async function kubeAccess({ api }: Pick<AgentConfig, 'api'>): Promise<KubeAccess> {
  if (api === 'in-cluster') return await inClusterAccess()
  return {
    url: api.url,
    ...(api.caFile === undefined ? {} : { ca: await readFile(api.caFile, 'utf8') }),
    ...(api.tokenFile === undefined ? {} : tokenFileAuthorization(api.tokenFile)),
  }
}
