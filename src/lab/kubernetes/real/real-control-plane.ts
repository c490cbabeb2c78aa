/**
 * The real thing behind the lab's seam: etcd, kube-apiserver, and, where their programs are given, the controller
 * manager and the scheduler, as children of this process in its network namespace.
 *
 * The API server makes its own certificate; clients trust the file it writes. Everybody has a token of their own, and
 * RBAC decides: agents are service accounts with the role that users are told to install (deploy/agent-rbac.yaml).
 * What Kubernetes leaves to others, addresses for load balancers, is done here against the API like anybody would.
 * A child that ends takes the whole down with its last words, for the lab to show.
 *
 * The first listener is the API itself (TLS); a second one, on a loopback address, is the administrator's plain door.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { WeftError } from '../../../diagnostics/error.ts'
import { type KubeAccess, KubeClient } from '../../../kube/client.ts'
import { type ControlPlaneConfig, readControlPlaneConfig } from '../control-plane-config.ts'
import type { Log } from '../log.ts'
import { startAdminProxy } from './admin-proxy.ts'
import { bootstrap } from './bootstrap.ts'
import { type Credentials, openCredentials, writeKubeconfig } from './credentials.ts'
import { type Daemon, startDaemon, untilYes } from './daemon.ts'
import { startRealLoadBalancer } from './load-balancer.ts'

export interface RealControlPlane {
  readonly apiUrl: string
  readonly apiUrls: readonly string[]
  /** Where etcd answers, to this machine or namespace only. */
  readonly etcdUrl: string
  /** As the administrator. */
  readonly access: KubeAccess
  readonly failed: Promise<Error>
  close(): Promise<void>
}

/** Two busy cores need most of this. */
const startTimeoutMs = 120_000

/** Starts everything; when this returns, the API answers and its roles and tokens are there. */
export async function startRealControlPlane(given: ControlPlaneConfig, log: Log): Promise<RealControlPlane> {
  const config = readControlPlaneConfig(given)
  const { real, listeners } = config
  if (real === undefined) throw new Error('the configuration has no "real" section')
  const daemons: Daemon[] = []
  const closers: (() => Promise<void> | void)[] = []
  const close = async () => {
    for (const closeOne of closers.reverse()) await closeOne()
    for (const daemon of daemons.reverse()) await daemon.stop()
  }
  try {
    const { stateDirectory, binaries } = real
    const { address } = listeners[0]!
    const credentials = await openCredentials(stateDirectory)
    const logs = join(stateDirectory, 'logs')
    await mkdir(logs, { recursive: true })

    const etcdUrl = `http://127.0.0.1:${await freePort('127.0.0.1')}`
    const etcd = await startDaemon(binaries.etcd, await etcdArguments(stateDirectory, etcdUrl), logs)
    daemons.push(etcd)
    await untilYes(etcd, async () => (await fetch(`${etcdUrl}/health`)).ok, startTimeoutMs)

    const port = listeners[0]!.port || (await freePort(address))
    const apiUrl = `https://${address.includes(':') ? `[${address}]` : address}:${port}`
    const args = apiServerArguments(config, credentials, { etcdUrl, address, port })
    const apiServer = await startDaemon(binaries['kube-apiserver'], args, logs)
    daemons.push(apiServer)
    const access = await untilServing(apiServer, apiUrl, credentials)
    log.info({ apiUrl }, 'kube-apiserver ready')

    const client = new KubeClient(access)
    closers.push(() => client.close())
    await bootstrap(client, stateDirectory, real.agents)
    const kubeconfigs = await writeKubeconfigs(stateDirectory, credentials, apiUrl)
    if (binaries['kube-controller-manager'] !== undefined) {
      const managerArgs = controllerManagerArguments(config, credentials, kubeconfigs['controller-manager'])
      const manager = await startDaemon(binaries['kube-controller-manager'], managerArgs, logs)
      daemons.push(manager)
      // Pods are refused until their namespace has its service account.
      const path = '/api/v1/namespaces/default/serviceaccounts/default'
      await untilYes(manager, async () => (await client.json({ path })) !== undefined, startTimeoutMs)
    }
    if (binaries['kube-scheduler'] !== undefined) {
      const schedulerArgs = ['--kubeconfig', kubeconfigs.scheduler, '--leader-elect=false', '--secure-port=0']
      daemons.push(await startDaemon(binaries['kube-scheduler'], schedulerArgs, logs))
    }
    const balancer = startRealLoadBalancer(client, log, config.pools)
    closers.push(() => balancer.stop())
    const apiUrls = [apiUrl]
    for (const door of listeners.slice(1)) {
      const proxy = await startAdminProxy({
        ...door,
        target: apiUrl,
        ca: access.ca!,
        token: credentials.tokens.admin,
      })
      closers.push(() => {
        proxy.close()
        proxy.closeAllConnections()
      })
      apiUrls.push(`http://${door.address}:${door.port}`)
    }
    return {
      etcdUrl,
      apiUrl,
      apiUrls,
      access,
      failed: Promise.race(daemons.map(({ failed }) => failed)),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function etcdArguments(stateDirectory: string, clientUrl: string): Promise<string[]> {
  const peerUrl = `http://127.0.0.1:${await freePort('127.0.0.1')}`
  return [
    '--data-dir',
    join(stateDirectory, 'etcd'),
    '--name=lab',
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=lab=${peerUrl}`,
    // A lab that loses power is gone anyway, and its disk is shared with everything else.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
}

function apiServerArguments(
  { serviceCidrs, nodePortRange, real }: ReturnType<typeof readControlPlaneConfig>,
  { tokenFile, serviceAccountKeyFile, certificateFolder }: Credentials,
  { etcdUrl, address, port }: { etcdUrl: string; address: string; port: number },
): string[] {
  // Without a controller manager nobody makes the service accounts that this plug-in insists on.
  const hasManager = real?.binaries['kube-controller-manager'] !== undefined
  return [
    `--etcd-servers=${etcdUrl}`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${port}`,
    `--cert-dir=${certificateFolder}`,
    `--token-auth-file=${tokenFile}`,
    '--authorization-mode=Node,RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${serviceAccountKeyFile}`,
    `--service-account-signing-key-file=${serviceAccountKeyFile}`,
    `--service-cluster-ip-range=${serviceCidrs.join(',')}`,
    ...(nodePortRange === undefined
      ? []
      : [`--service-node-port-range=${nodePortRange.first}-${nodePortRange.last}`]),
    ...(hasManager ? [] : ['--disable-admission-plugins=ServiceAccount']),
    '--endpoint-reconciler-type=master-count',
    '--profiling=false',
    ...(real?.apiServerArguments ?? []),
  ]
}

function controllerManagerArguments(
  { nodeGraceSeconds }: ReturnType<typeof readControlPlaneConfig>,
  { serviceAccountKeyFile, caFile }: Credentials,
  kubeconfig: string,
): string[] {
  return [
    '--kubeconfig',
    kubeconfig,
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${serviceAccountKeyFile}`,
    `--root-ca-file=${caFile}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--allocate-node-cidrs=false',
    '--node-monitor-period=1s',
    `--node-monitor-grace-period=${nodeGraceSeconds}s`,
    // A pod that follows its node's death by five minutes would be of no use in a drill.
    '--controllers=*,-certificatesigningrequest-signing-controller,-persistentvolume-binder-controller,-persistentvolume-attach-detach-controller',
  ]
}

async function untilServing(
  apiServer: Daemon,
  url: string,
  { caFile, tokens }: Credentials,
): Promise<KubeAccess> {
  let access: KubeAccess | undefined
  await untilYes(
    apiServer,
    async () => {
      const ca = await readFile(caFile, 'utf8')
      access = { url, ca, authorize: async () => ({ authorization: `Bearer ${tokens.admin}` }) }
      const client = new KubeClient(access)
      try {
        const response = await client.open({ path: '/readyz', signal: AbortSignal.timeout(2_000) })
        response.resume()
        return true
      } finally {
        client.close()
      }
    },
    startTimeoutMs,
  )
  if (access === undefined) throw new Error('served without access')
  return access
}

async function writeKubeconfigs(
  stateDirectory: string,
  credentials: Credentials,
  server: string,
): Promise<Record<'controller-manager' | 'scheduler', string>> {
  const write = (user: Parameters<typeof writeKubeconfig>[2]) =>
    writeKubeconfig(stateDirectory, credentials, user, server)
  await writeFile(join(stateDirectory, 'runtime.token'), credentials.tokens.runtime, { mode: 0o600 })
  await write('admin')
  await write('kube-proxy')
  return { 'controller-manager': await write('controller-manager'), scheduler: await write('scheduler') }
}

/** A port that was free a moment ago. */
async function freePort(address: string): Promise<number> {
  const server = createServer()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(0, address, resolve)
  await promise.catch((cause: Error) => {
    throw new WeftError('WEFT_LAB_KUBERNETES', `no port can be had on ${address}: ${cause.message}`, {
      exitCode: 3,
      cause,
    })
  })
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}
