import type { RawObject } from './types.ts'
import { identify } from './views.ts'

export type ReflectorChange<View> =
  | { kind: 'set'; key: string; view: View }
  | { kind: 'deleted'; key: string }

export interface ReflectorHandlers<View> {
  /** Makes the view of an object, or throws to refuse it. */
  project: (raw: RawObject) => View
  onChange: (change: ReflectorChange<View>) => void
  /** Called when an object is refused, with the reason, and never twice for the same version. */
  onRefused?: (key: string, reason: string) => void
  onHandlerError?: (error: unknown) => void
}

/**
 * The reflector's copy: views by key, and which version each was made from, so that seeing an object again tells
 * nobody anything. During a list the old copy stays; what the list did not show is deleted at its end.
 */
export class ReflectorStore<View> {
  readonly views = new Map<string, View>()
  readonly refused = new Map<string, string>()
  readonly #versions = new Map<string, unknown>()
  readonly #options: ReflectorHandlers<View>

  #listed: Set<string> | undefined

  constructor(options: ReflectorHandlers<View>) {
    this.#options = options
  }

  beginList(): void {
    this.#listed = new Set()
  }

  endList(): void {
    const listed = this.#listed
    this.#listed = undefined
    if (listed === undefined) return
    for (const key of [...this.#versions.keys()]) if (!listed.has(key)) this.#delete(key)
  }

  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', raw: RawObject): void {
    let key: string
    try {
      key = identify(raw).key
    } catch (error) {
      // Without a name it cannot be told from others, nor ever be deleted: it is only reported.
      this.#guard(() => this.#options.onRefused?.('(unnamed)', (error as Error).message))
      return
    }
    if (type === 'DELETED') {
      this.#listed?.delete(key)
      this.#delete(key)
      return
    }
    this.#listed?.add(key)
    const version = raw.metadata?.resourceVersion
    if (version !== undefined && this.#versions.get(key) === version) return
    this.#versions.set(key, version)
    this.#project(key, raw)
  }

  #project(key: string, raw: RawObject): void {
    let view: View
    try {
      view = this.#options.project(raw)
    } catch (error) {
      const reason = (error as Error).message
      this.refused.set(key, reason)
      if (this.views.delete(key)) this.#tell({ kind: 'deleted', key })
      this.#guard(() => this.#options.onRefused?.(key, reason))
      return
    }
    this.refused.delete(key)
    this.views.set(key, view)
    this.#tell({ kind: 'set', key, view })
  }

  #delete(key: string): void {
    this.#versions.delete(key)
    this.refused.delete(key)
    if (this.views.delete(key)) this.#tell({ kind: 'deleted', key })
  }

  #tell(change: ReflectorChange<View>): void {
    this.#guard(() => this.#options.onChange(change))
  }

  #guard(handler: () => void): void {
    try {
      handler()
    } catch (error) {
      this.#options.onHandlerError?.(error)
    }
  }
}
