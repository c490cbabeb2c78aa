/**
 * Keeps the table of types in step with the stored CustomResourceDefinitions.
 */
import { definedTypes } from './custom-definitions.ts'
import { keyOf } from './objects.ts'
import type { Registry } from './registry.ts'

/** Serves what definitions define, from the moment they are stored; with a definition go its objects. */
export function serveCustomDefinitions({ store, types }: Registry): void {
  store.subscribe('customresourcedefinitions.apiextensions.k8s.io', ({ type, object }) => {
    const { name } = object.metadata
    if (type !== 'DELETED') {
      types.replaceCustom(name, definedTypes(object))
      return
    }
    for (const each of store.list(name)) store.remove(name, keyOf(each.metadata))
    types.replaceCustom(name, [])
  })
}
