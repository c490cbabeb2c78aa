import { readFile } from 'node:fs/promises'
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { WeftError } from '../diagnostics/error.ts'

/*
 * The transport to a Kubernetes API server: node:http or node:https with keep-alive, and credentials that are asked
 * for anew on every request, because projected tokens rotate hourly.
 *
 * Where credentials come from is a `KubeAccess`: a plain URL, the Pod's own service account, or (for the command line)
 * a kubeconfig, which brings its own implementation when needed.
 */

export interface KubeAccess {
  /** Such as http://10.10.19.10:8080. */
  url: string
  /** PEM of the certificate authority; absent for plain HTTP or the system's own. */
  ca?: string
  /** PEM of a client certificate and its key. */
  cert?: string
  key?: string
  /** The name the server's certificate is checked against, when it is not the URL's. */
  serverName?: string
  /** Headers that authenticate one request. */
  authorize?: () => Promise<Record<string, string>>
}

export interface KubeRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Readonly<Record<string, string | number | boolean | undefined>>
  body?: unknown
  contentType?: string
  signal?: AbortSignal
}

/** The API server answered with something other than success. */
export class KubeStatusError extends WeftError {
  override readonly name = 'KubeStatusError'
  readonly status: number
  readonly retryAfterSeconds: number | undefined

  constructor(request: KubeRequest, status: number, message: string, retryAfterSeconds?: number) {
    const method = request.method ?? 'GET'
    super('WEFT_KUBE_STATUS', `${method} ${request.path}: the API server answered ${status}: ${message}`, {
      ...hintFor(status, method, request.path),
      exitCode: 4,
    })
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export class KubeClient {
  readonly #access: KubeAccess
  readonly #base: URL
  readonly #agent: HttpAgent | HttpsAgent

  constructor(access: KubeAccess) {
    this.#access = access
    this.#base = new URL(access.url)
    const { ca, cert, key, serverName } = access
    this.#agent =
      this.#base.protocol === 'https:'
        ? new HttpsAgent({
            keepAlive: true,
            ...(ca === undefined ? {} : { ca }),
            ...(cert === undefined || key === undefined ? {} : { cert, key }),
            ...(serverName === undefined ? {} : { servername: serverName }),
          })
        : new HttpAgent({ keepAlive: true })
  }

  get url(): string {
    return this.#access.url
  }

  /** Sends a request and parses the JSON answer; rejects with a KubeStatusError on any status but 2xx. */
  async json<T>(request: KubeRequest): Promise<T> {
    const response = await this.open(request)
    try {
      return JSON.parse(await readAll(response)) as T
    } catch (cause) {
      if (cause instanceof SyntaxError) throw notJson(request, cause)
      throw unreachable(this.#access.url, cause as Error)
    }
  }

  /** Sends a request and resolves with the open response stream, for watches; the caller consumes or destroys it. */
  async open(request: KubeRequest): Promise<IncomingMessage> {
    const headers = (await this.#access.authorize?.()) ?? {}
    const response = await this.#send(request, headers)
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    const text = await readAll(response).catch(() => '')
    const retryAfter = Number(response.headers['retry-after'])
    throw new KubeStatusError(
      request,
      status,
      statusMessage(text) || (response.statusMessage ?? ''),
      Number.isFinite(retryAfter) ? retryAfter : undefined,
    )
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy()
  }

  #send(request: KubeRequest, headers: Record<string, string>): Promise<IncomingMessage> {
    const url = new URL(this.#base.pathname.replace(/\/$/, '') + request.path, this.#base)
    for (const [key, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value))
    }
    const body = request.body === undefined ? undefined : JSON.stringify(request.body)
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const outgoing: ClientRequest = send(
      url,
      {
        method: request.method ?? 'GET',
        agent: this.#agent,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
        headers: {
          accept: 'application/json',
          'user-agent': 'weft',
          ...(body === undefined
            ? {}
            : {
                'content-type': request.contentType ?? 'application/json',
                // Without it Node sends neither length nor chunks with DELETE, and servers answer 400.
                'content-length': Buffer.byteLength(body),
              }),
          ...headers,
        },
      },
      resolve,
    )
    outgoing.on('error', (cause) => reject(unreachable(this.#access.url, cause)))
    outgoing.end(body)
    return promise
  }
}

/** Access from inside a Pod: the service account's token, read again for every request, and the cluster's CA. */
export async function inClusterAccess(
  directory = '/var/run/secrets/kubernetes.io/serviceaccount',
  env: NodeJS.ProcessEnv = process.env,
): Promise<KubeAccess> {
  const host = env.KUBERNETES_SERVICE_HOST
  if (!host) {
    throw new WeftError('WEFT_KUBE_NO_CLUSTER', 'KUBERNETES_SERVICE_HOST is not set: this is not a Pod', {
      hint: 'outside a cluster, give the API server in the configuration: "api": {"url": "…"}',
      exitCode: 2,
    })
  }
  const authority = host.includes(':') ? `[${host}]` : host
  return {
    url: `https://${authority}:${env.KUBERNETES_SERVICE_PORT ?? 443}`,
    ca: await readFile(`${directory}/ca.crt`, 'utf8'),
    ...tokenFileAuthorization(`${directory}/token`),
  }
}

/** Bearer authentication from a file whose content may be replaced at any time. */
export function tokenFileAuthorization(file: string): Required<Pick<KubeAccess, 'authorize'>> {
  return {
    async authorize() {
      try {
        return { authorization: `Bearer ${(await readFile(file, 'utf8')).trim()}` }
      } catch (cause) {
        throw new WeftError('WEFT_KUBE_TOKEN', `cannot read the API token: ${(cause as Error).message}`, {
          hint: 'mount the service account token, or correct "api.tokenFile"',
          exitCode: 2,
          cause,
        })
      }
    },
  }
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function statusMessage(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: string }).message ?? '')
  } catch {
    return text.slice(0, 200)
  }
}

function hintFor(status: number, method: string, path: string): { hint?: string } {
  if (status === 401) return { hint: 'the credentials were not accepted: check the token or kubeconfig' }
  if (status !== 403) return {}
  const verb = method === 'GET' ? 'get, list, watch' : method.toLowerCase()
  return { hint: `grant "${verb}" on ${path.split('/').at(-1)} to this identity (RBAC)` }
}

function notJson(request: KubeRequest, cause: Error): WeftError {
  return new WeftError('WEFT_KUBE_JSON', `${request.path}: the answer is not JSON: ${cause.message}`, {
    hint: 'is the URL that of a Kubernetes API server?',
    exitCode: 4,
    cause,
  })
}

function unreachable(url: string, cause: Error): WeftError {
  return new WeftError('WEFT_KUBE_UNREACHABLE', `the API server ${url} cannot be reached: ${cause.message}`, {
    hint: 'routes stay as they are until it can; check the address and the way to it',
    exitCode: 4,
    cause,
  })
}
