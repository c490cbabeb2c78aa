import type { Logger } from 'pino'
import type { KubeClient } from '../kube/client.ts'
import { Reflector } from '../kube/reflector.ts'
import type { ReflectorChange } from '../kube/reflector-store.ts'
import { endpointSlices, nodes, type RawObject, type ResourcePath, services } from '../kube/types.ts'
import { type NodeView, type ServiceView, viewEndpointSlice, viewNode, viewService } from '../kube/views.ts'
import type { AgentConfig } from './config.ts'
import { DesiredIndex } from './desired/desired-index.ts'
import { readSliceFacts } from './desired/endpoints.ts'

/*
 * The agent's picture of the cluster: three reflectors that feed one index of decisions.
 *
 * The API being away changes nothing here. Only when all three collections have once been read completely is the
 * picture called known.
 */

export interface ClusterViewOptions {
  config: AgentConfig
  client: KubeClient
  log: Logger
  /** Addresses whose decision may have changed, with the time the event was received. */
  onTouched: (addresses: string[], receivedAtMs: number) => void
  onKnown: () => void
  /** This node's own object, or its end. */
  onNode: (node: NodeView | undefined) => void
}

/** What others may know about a reflector, whatever it holds. */
export type Collection = Pick<
  Reflector<unknown>,
  'run' | 'views' | 'refused' | 'hasSynced' | 'isConnected' | 'counters' | 'lastEventAtMs' | 'lastError'
>

export class ClusterView {
  readonly index: DesiredIndex
  readonly reflectors: ReadonlyMap<string, Collection>
  readonly #services: Reflector<ServiceView>

  constructor(options: ClusterViewOptions) {
    const { config } = options
    const index = new DesiredIndex(config)
    this.index = index
    this.#services = this.#reflect(options, services, viewService, (key, view) => index.setService(key, view))
    this.reflectors = new Map<string, Collection>([
      ['services', this.#services],
      [
        'endpointslices',
        this.#reflect(
          options,
          endpointSlices,
          (raw) => readSliceFacts(viewEndpointSlice(raw), config),
          (key, facts) => index.setSlice(key, facts),
        ),
      ],
      [
        'nodes',
        this.#reflect(
          options,
          nodes,
          viewNode,
          (_, view) => {
            options.onNode(view)
            return index.setNode(view)
          },
          `metadata.name=${config.node}`,
        ),
      ],
    ])
  }

  get isKnown(): boolean {
    return [...this.reflectors.values()].every((reflector) => reflector.hasSynced)
  }

  /** A Service by `namespace/name`. */
  serviceOf(key: string): ServiceView | undefined {
    return this.#services.views.get(key)
  }

  /** Follows the API until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.reflectors.values()].map((reflector) => reflector.run(signal)))
  }

  #reflect<View>(
    { client, log, onTouched, onKnown }: ClusterViewOptions,
    resource: ResourcePath,
    project: (raw: RawObject) => View,
    take: (key: string, view: View | undefined) => string[],
    fieldSelector?: string,
  ): Reflector<View> {
    const kind = resource.resource
    let isDown = false
    return new Reflector<View>({
      client,
      resource,
      project,
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      onChange(change: ReflectorChange<View>) {
        const receivedAtMs = performance.now()
        onTouched(take(change.key, change.kind === 'set' ? change.view : undefined), receivedAtMs)
      },
      onSynced: () => {
        log.info({ kind }, 'API collection read completely')
        if (this.isKnown) onKnown()
      },
      onRefused: (key, reason) => log.warn({ kind, key, reason }, 'object refused'),
      onStatus({ isConnected, error }) {
        if (isConnected && isDown) log.info({ kind }, 'API watch restored')
        if (error !== undefined && !isDown) {
          log.warn(
            { kind, code: error.code, reason: error.message, hint: error.hint },
            'API watch lost, routes stay',
          )
        }
        isDown = error !== undefined
      },
      onHandlerError: (error) => log.error({ kind, err: error }, 'event handler failed'),
    })
  }
}
