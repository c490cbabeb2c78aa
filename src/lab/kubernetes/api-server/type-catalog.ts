/**
 * The types being served: the built-in ones, and those that CustomResourceDefinitions add and take away at run time.
 */
import { apiVersionOf, type ResourceType, storageName } from './resource-type.ts'

export interface TypeCatalog {
  /** All served types, every version of each, built-in ones first. */
  all(): readonly ResourceType[]
  find(group: string, version: string, plural: string): ResourceType | undefined
  /** The type stored under a name such as `services`; throws when there is none, which is a bug of the caller. */
  stored(name: string): ResourceType
  /** Replaces the versions of one custom type; an empty list takes it away. */
  replaceCustom(name: string, versions: readonly ResourceType[]): void
}

/** A catalog of these built-in types and no custom ones. */
export function createTypeCatalog(builtin: readonly ResourceType[]): TypeCatalog {
  const custom = new Map<string, readonly ResourceType[]>()
  let types: readonly ResourceType[] = builtin
  let byPath = indexByPath(builtin)

  return {
    all: () => types,
    find: (group, version, plural) => byPath.get(`${apiVersionOf({ group, version })}/${plural}`),
    stored(name) {
      const type = types.find((each) => storageName(each) === name)
      if (type === undefined) throw new Error(`no type is stored as "${name}"`)
      return type
    },
    replaceCustom(name, versions) {
      if (versions.length === 0) custom.delete(name)
      else custom.set(name, versions)
      types = [...builtin, ...[...custom.values()].flat()]
      byPath = indexByPath(types)
    },
  }
}

function indexByPath(types: readonly ResourceType[]): Map<string, ResourceType> {
  return new Map(types.map((type) => [`${apiVersionOf(type)}/${type.plural}`, type]))
}
