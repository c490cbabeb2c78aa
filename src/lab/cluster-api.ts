import { WeftError } from '../diagnostics/error.ts'
import type { PlannedCluster } from '../plan/model.ts'
import { adminUrl } from './cluster-config.ts'
import { openProbe, type ProbeHost } from './probe/probe-host.ts'

/** The Kubernetes API of a lab's cluster, asked from inside its control-plane node, where it can be reached. */
export class ClusterApi {
  readonly #probe: ProbeHost
  readonly #url: string

  constructor(lab: string, cluster: PlannedCluster) {
    this.#probe = openProbe(lab, cluster.controlPlane[0]!)
    this.#url = adminUrl(cluster)
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#ask('GET', path)) as T
  }

  /** Creates an object in a collection such as `/api/v1/namespaces/default/pods`. */
  async create(collection: string, body: unknown): Promise<void> {
    await this.#ask('POST', collection, body)
  }

  /** Changes an object by a JSON merge patch (RFC 7396). */
  async patch(path: string, body: unknown): Promise<void> {
    await this.#ask('PATCH', path, body, 'application/merge-patch+json')
  }

  /** Posts what is answered rather than kept, such as a review. */
  async ask<T>(collection: string, body: unknown): Promise<T> {
    return (await this.#ask('POST', collection, body)) as T
  }

  async delete(path: string): Promise<void> {
    await this.#ask('DELETE', path)
  }

  close(): void {
    this.#probe.close()
  }

  async #ask(method: string, path: string, body?: unknown, contentType?: string): Promise<unknown> {
    const answer = await this.#probe.httpRequest({
      url: this.#url + path,
      method,
      timeoutMs: 10_000,
      ...(body === undefined ? {} : { body }),
      ...(contentType === undefined ? {} : { contentType }),
    })
    if (answer.status >= 200 && answer.status < 300) return JSON.parse(answer.body)
    const reason = answer.error ?? `${answer.status} ${messageOf(answer.body)}`
    throw new WeftError('WEFT_LAB_API', `${method} ${this.#url}${path}: ${reason}`, { exitCode: 4 })
  }
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body
  } catch {
    return body
  }
}
