/**
 * CustomResourceDefinitions: their own rules, and how one becomes served types.
 *
 * A definition is served as soon as it is stored, and says so by the conditions NamesAccepted and Established that
 * clients wait for. All versions of a type share their objects, converted by renaming `apiVersion` only (strategy None).
 */
import { type FieldError, invalidField, missingField, unsupportedField } from './api-error.ts'
import { ageColumn, ageOf, nameColumn } from './columns.ts'
import { type AnyObject, editableCopy, isJsonObject, type KubeObject, timestamp } from './objects.ts'
import { type Column, defineType, type ResourceType, readField, type Strategy } from './resource-type.ts'
import { applySchemaDefaults, checkAgainstSchema, pruneUnknown, type Schema } from './structural-schema.ts'

interface PrinterColumn {
  name: string
  type: string
  jsonPath: string
  priority?: number
}

interface DefinedVersion {
  name: string
  served: boolean
  storage: boolean
  schema?: { openAPIV3Schema?: Schema }
  subresources?: { status?: object }
  additionalPrinterColumns?: PrinterColumn[]
  selectableFields?: { jsonPath: string }[]
}

interface CustomDefinition extends KubeObject {
  spec: {
    group: string
    scope: 'Namespaced' | 'Cluster'
    names: {
      plural: string
      kind: string
      singular?: string
      listKind?: string
      shortNames?: string[]
      categories?: string[]
    }
    versions: DefinedVersion[]
  }
  status?: object
}

export const customDefinitionStrategy: Strategy = {
  prepareCreate(object) {
    const definition = asDefinition(object)
    completeNames(definition)
    definition.status = acceptedStatus(definition)
  },
  prepareUpdate: (object) => completeNames(asDefinition(object)),
  validate: (object) => checkDefinition(asDefinition(object)),
}

/** The served versions of a stored definition, as rows of the table of types. */
export function definedTypes(object: AnyObject): ResourceType[] {
  const { spec } = asDefinition(object)
  const { names, group } = spec
  return spec.versions
    .filter(({ served }) => served)
    .map((version) =>
      defineType({
        group,
        version: version.name,
        plural: names.plural,
        singular: names.singular ?? names.kind.toLowerCase(),
        kind: names.kind,
        namespaced: spec.scope === 'Namespaced',
        shortNames: names.shortNames ?? [],
        categories: names.categories ?? [],
        subresources: version.subresources?.status === undefined ? [] : ['status'],
        tracksGeneration: true,
        isCustom: true,
        fieldReaders: Object.fromEntries(
          (version.selectableFields ?? []).map(({ jsonPath }) => [
            jsonPath.slice(1),
            readField(jsonPath.slice(1)),
          ]),
        ),
        columns: printerColumns(version.additionalPrinterColumns),
        strategy: schemaStrategy(version.schema?.openAPIV3Schema),
      }),
    )
}

function schemaStrategy(schema: Schema | undefined): Strategy {
  if (schema === undefined) return {}
  const prepare = (object: AnyObject) => {
    pruneUnknown(object, schema)
    applySchemaDefaults(object, schema)
  }
  return {
    prepareCreate: prepare,
    prepareUpdate: prepare,
    unknownFields: (object) => pruneUnknown(editableCopy(object), schema),
    validate: (object) => checkAgainstSchema(object, schema),
  }
}

function asDefinition(object: AnyObject): CustomDefinition {
  return object as unknown as CustomDefinition
}

function completeNames({ spec }: CustomDefinition): void {
  if (!isJsonObject(spec?.names)) return
  const { names } = spec
  names.singular ??= String(names.kind ?? '').toLowerCase()
  names.listKind ??= `${names.kind}List`
}

function acceptedStatus({ spec }: CustomDefinition): object {
  const at = timestamp(Date.now())
  return {
    acceptedNames: spec?.names,
    storedVersions: (spec?.versions ?? []).filter(({ storage }) => storage).map(({ name }) => name),
    conditions: [
      {
        type: 'NamesAccepted',
        status: 'True',
        reason: 'NoConflicts',
        message: 'no conflicts found',
        lastTransitionTime: at,
      },
      {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
        lastTransitionTime: at,
      },
    ],
  }
}

function checkDefinition({ metadata, spec }: CustomDefinition): FieldError[] {
  if (!isJsonObject(spec)) return [missingField('spec')]
  const errors: FieldError[] = []
  if (!spec.group) errors.push(missingField('spec.group'))
  if (!spec.names?.plural) errors.push(missingField('spec.names.plural'))
  if (!spec.names?.kind) errors.push(missingField('spec.names.kind'))
  const expected = `${spec.names?.plural}.${spec.group}`
  if (metadata.name !== expected)
    errors.push(
      invalidField(
        'metadata.name',
        metadata.name,
        `must be spec.names.plural+"."+spec.group, so ${expected}`,
      ),
    )
  if (spec.scope !== 'Cluster' && spec.scope !== 'Namespaced') {
    errors.push(unsupportedField('spec.scope', spec.scope, ['Cluster', 'Namespaced']))
  }
  const versions = Array.isArray(spec.versions) ? spec.versions : []
  const stored = versions.filter(({ storage }) => storage).length
  if (stored !== 1)
    errors.push(
      invalidField('spec.versions', stored, 'must have exactly one version marked as storage version'),
    )
  for (const [index, version] of versions.entries()) {
    if (version.schema?.openAPIV3Schema === undefined) {
      errors.push(missingField(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required'))
    }
  }
  return errors
}

function printerColumns(columns: readonly PrinterColumn[] | undefined): Column[] {
  if (columns === undefined) return [nameColumn, ageColumn]
  return [
    nameColumn,
    ...columns.map(
      ({ name, type, jsonPath, priority = 0 }): Column => ({
        name,
        priority,
        type: type === 'integer' || type === 'number' || type === 'boolean' ? type : 'string',
        cell(object, now) {
          const value = evaluateJsonPath(object, jsonPath)
          if (value === undefined || value === null) return null
          if (type === 'date') return ageOf(String(value), now)
          return typeof value === 'object' ? JSON.stringify(value) : (value as string | number | boolean)
        },
      }),
    ),
  ]
}

/** The simple paths that printer columns use: fields, list indexes, and one filter by equality. */
function evaluateJsonPath(object: unknown, path: string): unknown {
  const steps = path.matchAll(
    /\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]|\[\?\(@\.([\w.-]+)\s*==\s*["']([^"']*)["']\)\]|\[(\*)\]/g,
  )
  let value = object
  for (const [, field, quoted, index, filterField, filterValue, all] of steps) {
    const name = field ?? quoted
    if (name !== undefined) value = (value as Record<string, unknown> | undefined)?.[name]
    else if (index !== undefined) value = (value as unknown[] | undefined)?.[Number(index)]
    else if (filterField !== undefined && Array.isArray(value)) {
      value = value.find((each) => isJsonObject(each) && String(each[filterField]) === filterValue)
    } else if (all !== undefined && Array.isArray(value)) value = value[0]
    if (value === undefined || value === null) return undefined
  }
  return value
}
