import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KubeAccess } from '../../src/kube/client.ts'
import { startControlPlane } from '../../src/lab/kubernetes/control-plane.ts'
import type { Log } from '../../src/lab/kubernetes/log.ts'
import {
  type Binaries,
  clusterPrograms,
  controlPlanePrograms,
  findBinaries,
  type Program,
  whyNoBinaries,
} from '../../src/lab/kubernetes/real/binaries.ts'
import { startRealControlPlane } from '../../src/lab/kubernetes/real/real-control-plane.ts'

/* Both kinds of control plane, started the same way on this machine's loopback, and a client that shows every answer. */

export interface Started {
  access: KubeAccess
  /** A resourceVersion that the server no longer remembers for Events, which no watch cache keeps. */
  forgottenVersion(): Promise<string>
  close(): Promise<void>
}

export interface StartedReal extends Started {
  stateDirectory: string
}

export interface Kind {
  name: string
  /** Why it cannot run here. */
  missing: string | null
  start(): Promise<Started>
}

const silent = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Log
const serviceCidrs = ['10.96.0.0/16', 'fd96::/112']
const listeners = [{ address: '127.0.0.1', port: 0 }]

const embedded: Kind = {
  name: 'embedded API',
  missing: null,
  async start() {
    const running = await startControlPlane({ listeners, serviceCidrs }, silent)
    return {
      access: { url: running.apiUrl },
      async forgottenVersion() {
        running.api.registry.store.compact()
        return '1'
      },
      close: () => running.close(),
    }
  },
}

const real: Kind = {
  name: 'kube-apiserver',
  missing: await whyNoBinaries(controlPlanePrograms),
  start: () => startReal(controlPlanePrograms, []),
}

/** The embedded API, and kube-apiserver with etcd. */
export const kinds: readonly Kind[] = [embedded, real]

/** kube-apiserver, etcd, controller manager and scheduler. */
export const whole: Omit<Kind, 'start'> & { start(): Promise<StartedReal> } = {
  name: 'whole control plane',
  missing: await whyNoBinaries(clusterPrograms),
  start: () => startReal(clusterPrograms, ['10.10.21.0/30']),
}

async function startReal(programs: readonly Program[], pool: string[]): Promise<StartedReal> {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'weft-real-'))
  try {
    const running = await startRealControlPlane(
      {
        listeners,
        serviceCidrs,
        pools: pool.length === 0 ? [] : [{ name: 'test', cidrs: pool }],
        real: { stateDirectory, binaries: pick(await findBinaries(), programs), agents: true },
      },
      silent,
    )
    return {
      stateDirectory,
      access: running.access,
      async forgottenVersion() {
        const { metadata } = (await sender(running.access)('GET', '/api/v1/events')).body
        const compaction = await fetch(`${running.etcdUrl}/v3/kv/compaction`, {
          method: 'POST',
          body: JSON.stringify({ revision: metadata.resourceVersion }),
        })
        if (!compaction.ok) throw new Error(await compaction.text())
        return '1'
      },
      async close() {
        await running.close()
        await rm(stateDirectory, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(stateDirectory, { recursive: true, force: true })
    throw error
  }
}

function pick(found: Binaries, programs: readonly Program[]): { etcd: string; 'kube-apiserver': string } {
  const { 'kube-proxy': _, ...chosen } = Object.fromEntries(programs.map((name) => [name, found[name]]))
  return chosen as { etcd: string; 'kube-apiserver': string }
}

export interface Answer {
  code: number
  warnings: string[]
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
}

export type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>

/** Sends one request as the administrator and returns whatever comes. */
export function sender(access: KubeAccess): Send {
  return async (method, path, body, headers = {}) => {
    const response = await open(access, method, path, body, headers)
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const isJson = response.headers['content-type']?.startsWith('application/json')
    return {
      code: response.statusCode ?? 0,
      warnings: [response.headers.warning ?? []].flat() as string[],
      body: isJson ? JSON.parse(text) : text,
    }
  }
}

interface WatchEvent {
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: as above
  object: any
}

/** Reads a watch event by event until `isLast` says so or the server ends it. */
export async function readWatch(
  access: KubeAccess,
  path: string,
  isLast: (event: WatchEvent) => boolean,
): Promise<WatchEvent[]> {
  const response = await open(access, 'GET', path)
  if (response.statusCode !== 200) {
    response.destroy()
    return [{ type: `HTTP ${response.statusCode}`, object: {} }]
  }
  const timer = setTimeout(() => response.destroy(new Error('the watch gave no last event in 20 s')), 20_000)
  const events: WatchEvent[] = []
  let rest = ''
  try {
    for await (const chunk of response) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const event = JSON.parse(line) as WatchEvent
        events.push(event)
        if (isLast(event)) return events
      }
    }
  } finally {
    clearTimeout(timer)
    response.destroy()
  }
  return events
}

async function open(
  access: KubeAccess,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const url = new URL(path, access.url)
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  const outgoing = request(
    url,
    {
      method,
      agent: false,
      ...(access.ca === undefined ? {} : { ca: access.ca }),
      headers: {
        accept: 'application/json',
        ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
        ...(await access.authorize?.()),
        ...headers,
      },
    },
    resolve,
  )
  outgoing.on('error', reject)
  outgoing.end(payload)
  return await promise
}
