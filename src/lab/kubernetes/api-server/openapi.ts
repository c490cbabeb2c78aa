/**
 * The least OpenAPI that kubectl needs: that patches take `dryRun` and `fieldValidation`. No schemas: kubectl then
 * leaves validation to the server and merges by its own types.
 */
import { apiVersionOf, type ResourceType } from './resource-type.ts'

const info = { title: 'Weft lab', version: 'v1.32.0-weft' }

/** The index of OpenAPI v3 documents, one for each group and version. */
export function openApiIndex(types: readonly ResourceType[]): object {
  const roots = [...new Set(types.map(rootOf))]
  return {
    paths: Object.fromEntries(roots.map((root) => [root, { serverRelativeURL: `/openapi/v3/${root}` }])),
  }
}

/** The OpenAPI v3 document of one group and version such as `apis/apps/v1`, or undefined. */
export function openApiDocument(root: string, types: readonly ResourceType[]): object | undefined {
  const served = types.filter((type) => rootOf(type) === root)
  if (served.length === 0) return undefined
  const paths = served.map((type) => [
    `/${root}/${type.namespaced ? 'namespaces/{namespace}/' : ''}${type.plural}/{name}`,
    { patch: patchOperation(type) },
  ])
  return { openapi: '3.0.0', info, paths: Object.fromEntries(paths), components: { schemas: {} } }
}

/** OpenAPI v2 as JSON; asked for as protobuf, an empty message says the same. */
export function openApiV2(): object {
  return { swagger: '2.0', info, paths: {}, definitions: {} }
}

function patchOperation(type: ResourceType): object {
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
    name,
    in: 'query',
    schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
  }))
  return {
    operationId: `patch${type.kind}`,
    parameters,
    responses: { '200': { description: 'OK' } },
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': { group: type.group, version: type.version, kind: type.kind },
  }
}

function rootOf(type: ResourceType): string {
  return type.group === '' ? `api/${type.version}` : `apis/${apiVersionOf(type)}`
}
