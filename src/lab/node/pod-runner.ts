import { setTimeout as delay } from 'node:timers/promises'
import type { Pod } from '../kubernetes/api-server/objects.ts'
import { timestamp } from '../kubernetes/api-server/objects.ts'
import type { NodeRuntimeConfig } from './config.ts'
import { type Log, reasonOf } from './log.ts'
import { type AddressPool, createAddressPool } from './pod-addresses.ts'
import { nextStep } from './pod-lifecycle.ts'
import { createPodNetwork, removePodNetwork } from './pod-network.ts'
import { portsOf, tcpPortsOf } from './pod-ports.ts'
import { isRunning, type ProcessExit, startProcess, stopProcess } from './pod-process.ts'
import { describePod } from './pod-status.ts'
import { watchReadiness } from './readiness-probe.ts'
import { netnsOf, type Sandbox, type SandboxStore, shortUid } from './sandbox.ts'
import { createStatusPublisher, type StatusPublisher } from './status-publisher.ts'
import { removeStrays } from './strays.ts'

/*
 * Runs the pods of one node: brings what the machine holds to what the API wants, one pod at a time each, all of them
 * side by side.
 *
 * The watch calls `setDesired` with every pod bound to the node, whenever any of them changed and never before the
 * first complete list: until then pods of an earlier runtime are left alone. All knowledge about one pod is an Actor;
 * only `advance` changes what the machine holds for it, and never twice at a time. Failures (a tool, the API) are
 * retried with growing pauses and touch no other pod; without the API, pods run on, are probed and restarted, and
 * their status is told when it is back.
 */

/** What a runner needs from the Kubernetes API. */
export interface PodApi {
  /** Replaces the given fields of a pod's status; null when the pod is gone. */
  patchStatus(pod: Pod, status: Record<string, unknown>): Promise<Pod | null>
  /** Removes a pod whose deletion was asked for and is carried out. */
  confirmDeletion(pod: Pod): Promise<void>
}

export interface PodRunner {
  setDesired(pods: Iterable<Pod>): void
  /** Stops all pods and removes their namespaces. */
  stopAll(): Promise<void>
}

interface Actor {
  uid: string
  pod: Pod | null
  sandbox: Sandbox | null
  /** Null for a pod of an earlier runtime that was not probed yet: nothing is said of it before. */
  isAnswering: boolean | null
  problem: string | null
  deletionSeenAtMs: number | null
  exitedAtMs: number | null
  crashesInARow: number
  failuresInARow: number
  probe: { stop: () => void } | null
  isBusy: boolean
  isDirty: boolean
  isRemoving: boolean
  timer: NodeJS.Timeout | undefined
  status: StatusPublisher
}

/** Takes over what an earlier runtime left on this node, and starts running pods. */
export async function startPodRunner(
  config: NodeRuntimeConfig,
  store: SandboxStore,
  api: PodApi,
  log: Log,
): Promise<PodRunner> {
  const actors = new Map<string, Actor>()
  const sandboxes = await store.readAll()
  await removeStrays(config, sandboxes, log)
  const pool: AddressPool = createAddressPool(
    config.podCidrs,
    sandboxes.flatMap((sandbox) => sandbox.addresses),
  )
  for (const sandbox of sandboxes) await adopt(sandbox)

  return {
    setDesired,
    async stopAll() {
      setDesired([])
      while (actors.size > 0) await delay(10)
    },
  }

  function setDesired(pods: Iterable<Pod>): void {
    const wanted = new Map([...pods].map((pod) => [uidOf(pod), pod]))
    for (const [uid, pod] of wanted) {
      const actor = actors.get(uid) ?? addActor(uid, null)
      if (actor.pod?.metadata.resourceVersion === pod.metadata.resourceVersion) continue
      actor.pod = pod
      if (pod.metadata.deletionTimestamp !== undefined) actor.deletionSeenAtMs ??= Date.now()
      wake(actor)
    }
    for (const actor of actors.values()) {
      if (wanted.has(actor.uid)) continue
      actor.pod = null
      wake(actor)
    }
  }

  function addActor(uid: string, sandbox: Sandbox | null): Actor {
    const actor: Actor = {
      uid,
      pod: null,
      sandbox,
      isAnswering: false,
      problem: null,
      deletionSeenAtMs: null,
      exitedAtMs: null,
      crashesInARow: 0,
      failuresInARow: 0,
      probe: null,
      isBusy: false,
      isDirty: false,
      isRemoving: false,
      timer: undefined,
      status: createStatusPublisher(
        () => describe(actor),
        async ({ pod, status }) => {
          const updated = await api.patchStatus(pod, status)
          // Null: it is gone, and the watch is about to say so.
          if (updated !== null && actor.pod === pod) actor.pod = updated
        },
        log,
      ),
    }
    actors.set(uid, actor)
    return actor
  }

  async function adopt(sandbox: Sandbox): Promise<void> {
    const actor = addActor(sandbox.uid, sandbox)
    // What the API wanted last holds until it says otherwise, also for the restart of a pod that ends meanwhile.
    actor.pod = sandbox.pod
    if (sandbox.container === null) return wake(actor)
    if (await isRunning(sandbox.container)) {
      log('pod adopted', { pod: sandbox.pod.metadata.name, pid: sandbox.container.pid })
      actor.isAnswering = null
      startProbing(actor, sandbox)
    } else {
      await onExit(actor, sandbox, { exitCode: null, signal: null })
    }
  }

  /** Runs `advance` for the pod now, or once more when it is running already. */
  function wake(actor: Actor): void {
    clearTimeout(actor.timer)
    if (actor.isBusy) {
      actor.isDirty = true
      return
    }
    actor.isBusy = true
    advance(actor)
      .then(
        (pauseMs) => {
          actor.failuresInARow = 0
          actor.problem = null
          return pauseMs
        },
        (error) => {
          actor.problem = reasonOf(error)
          const pauseMs = retryPauseMs(actor.failuresInARow++)
          log('pod failed', { pod: nameOf(actor), reason: actor.problem, retryInMs: pauseMs })
          return pauseMs
        },
      )
      .then((pauseMs) => {
        actor.isBusy = false
        actor.status.publish()
        if (actor.isDirty) {
          actor.isDirty = false
          wake(actor)
        } else if (pauseMs !== null) {
          actor.timer = setTimeout(() => wake(actor), pauseMs)
        }
      })
      .catch((error) => log('pod runner failed', { pod: nameOf(actor), reason: reasonOf(error) }))
  }

  /** Takes steps until there is nothing to do now; returns after how many milliseconds there will be, or null. */
  async function advance(actor: Actor): Promise<number | null> {
    for (;;) {
      const { pod, sandbox } = actor
      const step = nextStep(pod, actualOf(actor), Date.now())
      switch (step.kind) {
        case 'create-network':
          if (pod !== null) await createNetwork(actor, pod)
          break
        case 'start-process':
          if (pod !== null && sandbox !== null) await start(actor, pod, sandbox)
          actor.status.publish()
          break
        case 'remove':
          await remove(actor, step.graceMs)
          break
        case 'confirm-deletion':
          if (pod !== null) await api.confirmDeletion(pod)
          return null
        case 'wait':
          return step.forMs
        case 'rest':
          if (pod === null && sandbox === null) forget(actor)
          return null
      }
    }
  }

  function forget(actor: Actor): void {
    actor.status.stop()
    actors.delete(actor.uid)
  }

  async function createNetwork(actor: Actor, pod: Pod): Promise<void> {
    const uid = actor.uid
    actor.sandbox ??= {
      uid,
      pod: withoutVersion(pod),
      netns: netnsOf(config.podNamespacePrefix, config.nodeName, { uid, name: pod.metadata.name }),
      interface: `pod${shortUid(uid)}`,
      addresses: pool.take(),
      createdAt: timestamp(Date.now()),
      isNetworkReady: false,
      container: null,
      restartCount: 0,
      lastExit: null,
    }
    await store.write(actor.sandbox)
    await createPodNetwork(actor.sandbox, config.addresses)
    actor.sandbox.isNetworkReady = true
    await store.write(actor.sandbox)
  }

  async function start(actor: Actor, pod: Pod, sandbox: Sandbox): Promise<void> {
    const identity = await startProcess(
      sandbox.netns,
      {
        pod: sandbox.pod.metadata.name,
        namespace: sandbox.pod.metadata.namespace ?? 'default',
        node: config.nodeName,
        zone: config.labels['topology.kubernetes.io/zone'] ?? '',
        tcpPorts: tcpPortsOf(pod),
        udpPorts: portsOf(pod, 'UDP'),
      },
      store.logPathOf(sandbox.uid),
      (exit) => {
        onExit(actor, sandbox, exit).catch((error) =>
          log('pod record not written', { reason: reasonOf(error) }),
        )
      },
    )
    if (sandbox.lastExit !== null) sandbox.restartCount++
    sandbox.container = { ...identity, startedAt: timestamp(Date.now()) }
    await store.write(sandbox)
    log('pod started', { pod: sandbox.pod.metadata.name, addresses: sandbox.addresses, pid: identity.pid })
    startProbing(actor, sandbox)
  }

  function startProbing(actor: Actor, sandbox: Sandbox): void {
    actor.probe?.stop()
    const container = sandbox.container
    actor.probe = watchReadiness(
      sandbox.addresses[0] ?? '',
      tcpPortsOf(sandbox.pod)[0] ?? 8080,
      (isAnswering) => {
        if (actor.isAnswering === isAnswering) return
        actor.isAnswering = isAnswering
        log(isAnswering ? 'pod ready' : 'pod not ready', { pod: sandbox.pod.metadata.name })
        actor.status.publish()
      },
      async () => {
        // A process of an earlier runtime is no child of ours: nobody tells us when it ends.
        const isGone = container !== null && container === sandbox.container && !(await isRunning(container))
        if (isGone && sandbox.container === container)
          await onExit(actor, sandbox, { exitCode: null, signal: null })
      },
    )
  }

  async function onExit(actor: Actor, sandbox: Sandbox, exit: ProcessExit): Promise<void> {
    if (actor.isRemoving || sandbox.container === null) return
    const ranForMs = Date.now() - Date.parse(sandbox.container.startedAt)
    actor.probe?.stop()
    actor.probe = null
    actor.isAnswering = false
    actor.exitedAtMs = Date.now()
    actor.crashesInARow = ranForMs > 30_000 ? 1 : actor.crashesInARow + 1
    sandbox.container = null
    sandbox.lastExit = { ...exit, at: timestamp(Date.now()) }
    log('pod ended', { pod: sandbox.pod.metadata.name, ...exit })
    await store.write(sandbox)
    actor.status.publish()
    wake(actor)
  }

  async function remove(actor: Actor, graceMs: number): Promise<void> {
    const { sandbox } = actor
    if (sandbox === null) return
    actor.isRemoving = true
    actor.probe?.stop()
    actor.isAnswering = false
    if (sandbox.container !== null) await stopProcess(sandbox.container, graceMs)
    await removePodNetwork(sandbox)
    await store.remove(sandbox.uid)
    pool.release(sandbox.addresses)
    actor.sandbox = null
    actor.isRemoving = false
    log('pod removed', { pod: sandbox.pod.metadata.name })
  }

  /** What the API is to be told of the pod; nothing while it is removed, as only the end of that is news. */
  function describe(actor: Actor): { pod: Pod; status: Record<string, unknown> } | null {
    const { pod, sandbox, isAnswering } = actor
    if (pod === null || isAnswering === null || actor.isRemoving) return null
    if (pod.metadata.deletionTimestamp !== undefined && sandbox === null) return null
    const status = describePod(pod, sandbox, {
      isAnswering,
      isProcessRunning: sandbox !== null && sandbox.container !== null,
      nodeAddresses: config.addresses,
      problem: actor.problem,
      now: timestamp(Date.now()),
    })
    return { pod, status }
  }
}

function actualOf(actor: Actor): Parameters<typeof nextStep>[1] {
  if (actor.sandbox === null) return null
  return {
    isNetworkReady: actor.sandbox.isNetworkReady,
    isProcessRunning: actor.sandbox.container !== null,
    crashesInARow: actor.crashesInARow,
    exitedAtMs: actor.exitedAtMs,
    deletionSeenAtMs: actor.deletionSeenAtMs,
  }
}

/** Makes the first word of the API about the pod count as news. */
function withoutVersion(pod: Pod): Pod {
  const { resourceVersion: _, ...metadata } = pod.metadata
  return { ...pod, metadata }
}

function nameOf(actor: Actor): string {
  return actor.pod?.metadata.name ?? actor.sandbox?.pod.metadata.name ?? actor.uid
}

function uidOf(pod: Pod): string {
  return pod.metadata.uid ?? `${pod.metadata.namespace}/${pod.metadata.name}`
}

function retryPauseMs(failuresInARow: number): number {
  return Math.min(10_000, 200 * 2 ** failuresInARow)
}
