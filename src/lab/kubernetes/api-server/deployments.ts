/**
 * Rules of Deployments, of which the lab has a plain form: a number of Pods kept alive, without ReplicaSets.
 */
import { type FieldError, invalidField, missingField } from './api-error.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { type AnyObject, isSameJson, type KubeObject, type ObjectMeta, type PodSpec } from './objects.ts'
import { checkPodSpec } from './pods.ts'
import type { Column, Strategy } from './resource-type.ts'
import { selectsLabels } from './selectors.ts'

export interface Deployment extends KubeObject {
  spec: {
    replicas?: number
    selector: { matchLabels?: Record<string, string> }
    template: { metadata?: Partial<ObjectMeta>; spec: PodSpec }
    strategy?: object
  }
  status?: {
    observedGeneration?: number
    replicas?: number
    updatedReplicas?: number
    readyReplicas?: number
    availableReplicas?: number
    unavailableReplicas?: number
    conditions?: unknown[]
  }
}

export const deploymentStrategy: Strategy = {
  prepareCreate: applyDefaults,
  prepareUpdate: applyDefaults,
  validate(object, previous) {
    const { spec } = object as unknown as Deployment
    const errors: FieldError[] = []
    if (!Number.isInteger(spec.replicas) || (spec.replicas ?? 0) < 0) {
      errors.push(invalidField('spec.replicas', spec.replicas, 'must be greater than or equal to 0'))
    }
    if (spec.template?.spec === undefined) return [...errors, missingField('spec.template.spec')]
    const { matchLabels } = spec.selector ?? {}
    if (matchLabels === undefined)
      errors.push(missingField('spec.selector', 'matchLabels is what the lab supports'))
    else if (!selectsLabels(matchLabels, spec.template.metadata?.labels)) {
      const labels = spec.template.metadata?.labels ?? {}
      errors.push(
        invalidField('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'),
      )
    }
    const before = previous === undefined ? undefined : (previous as unknown as Deployment).spec.selector
    if (before !== undefined && !isSameJson(before, spec.selector)) {
      errors.push(invalidField('spec.selector', spec.selector, 'field is immutable'))
    }
    return [...errors, ...checkPodSpec(spec.template.spec, 'spec.template.spec')]
  },
}

function applyDefaults(object: AnyObject): void {
  const deployment = object as unknown as Deployment
  deployment.spec ??= { selector: {}, template: { spec: { containers: [] } } }
  deployment.spec.replicas ??= 1
  deployment.spec.strategy ??= {
    type: 'RollingUpdate',
    rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' },
  }
}

function cell(name: string, read: (deployment: Deployment) => string, priority = 0): Column {
  return { name, priority, cell: (object) => read(object as unknown as Deployment) }
}

export const deploymentColumns: readonly Column[] = [
  nameColumn,
  cell('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}`),
  cell('Up-to-date', ({ status }) => String(status?.updatedReplicas ?? 0)),
  cell('Available', ({ status }) => String(status?.availableReplicas ?? 0)),
  ageColumn,
  cell('Containers', ({ spec }) => spec.template.spec.containers.map(({ name }) => name).join(','), 1),
  cell('Images', ({ spec }) => spec.template.spec.containers.map(({ image }) => image ?? '').join(','), 1),
  cell(
    'Selector',
    ({ spec }) =>
      Object.entries(spec.selector.matchLabels ?? {})
        .map((pair) => pair.join('='))
        .join(','),
    1,
  ),
]
