/**
 * What the server tells about itself: versions, groups, resources. Clients map `kubectl get svc` to a URL by it.
 */
import { apiVersionOf, type ResourceType } from './resource-type.ts'
import { subresourceKinds } from './subresource-kinds.ts'

/** The Kubernetes version whose behaviour the server follows. */
export const version = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0-weft',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: 'linux/amd64',
}

/** Reviews are answered, not stored; they still have to be discoverable. */
const reviews = { group: 'authorization.k8s.io', version: 'v1' }

/** The answer to a discovery path, or undefined when the path is none. */
export function discover(path: string, types: readonly ResourceType[]): unknown {
  const parts = path.split('/').filter((part) => part !== '')
  const [root, group, groupVersion] = parts
  if (root === 'api' && parts.length === 1) return { kind: 'APIVersions', versions: ['v1'] }
  if (root === 'api' && parts.length === 2 && group === 'v1') return resourceList('', 'v1', types)
  if (root !== 'apis' || parts.length > 3) return undefined
  const groups = groupsOf(types)
  if (group === undefined) {
    const list = [...groups].map(([name, versions]) => groupEntry(name, versions))
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: list }
  }
  const versions = groups.get(group)
  if (versions === undefined) return undefined
  if (groupVersion === undefined)
    return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group, versions) }
  return versions.includes(groupVersion) ? resourceList(group, groupVersion, types) : undefined
}

/** The paths that the root of the API lists. */
export function rootPaths(types: readonly ResourceType[]): { paths: string[] } {
  const versions = [...groupsOf(types)].flatMap(([name, each]) => [
    `/apis/${name}`,
    ...each.map((version) => `/apis/${name}/${version}`),
  ])
  const fixed = [
    '/api',
    '/api/v1',
    '/apis',
    '/healthz',
    '/livez',
    '/openapi/v2',
    '/openapi/v3',
    '/readyz',
    '/version',
  ]
  return { paths: [...fixed, ...versions].sort() }
}

function groupsOf(types: readonly ResourceType[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const { group, version } of [...types, reviews]) {
    const versions = groups.get(group) ?? []
    if (!versions.includes(version)) groups.set(group, [...versions, version])
  }
  groups.delete('')
  return groups
}

function groupEntry(name: string, versions: readonly string[]): object {
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: entries, preferredVersion: entries[0] }
}

function resourceList(group: string, version: string, types: readonly ResourceType[]): object {
  const resources = types
    .filter((type) => type.group === group && type.version === version)
    .flatMap((type) => [resourceEntry(type), ...subresourceEntries(type)])
  if (group === reviews.group) resources.push(...reviewEntries())
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources,
  }
}

function resourceEntry(type: ResourceType): object {
  return {
    name: type.plural,
    singularName: type.singular,
    namespaced: type.namespaced,
    kind: type.kind,
    verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
    ...(type.categories.length > 0 ? { categories: type.categories } : {}),
  }
}

function subresourceEntries(type: ResourceType): object[] {
  return type.subresources.map((subresource) => ({
    name: `${type.plural}/${subresource}`,
    singularName: '',
    namespaced: type.namespaced,
    ...(subresourceKinds[subresource] ?? { kind: type.kind, verbs: ['get', 'patch', 'update'] }),
  }))
}

function reviewEntries(): object[] {
  return [
    {
      name: 'selfsubjectaccessreviews',
      singularName: 'selfsubjectaccessreview',
      namespaced: false,
      kind: 'SelfSubjectAccessReview',
      verbs: ['create'],
    },
    {
      name: 'selfsubjectrulesreviews',
      singularName: 'selfsubjectrulesreview',
      namespaced: false,
      kind: 'SelfSubjectRulesReview',
      verbs: ['create'],
    },
  ]
}
