/**
 * The scale subresource: the number of replicas of a Deployment, as an object of its own for `kubectl scale`.
 */
import { invalid, invalidField } from './api-error.ts'
import type { Deployment } from './deployments.ts'
import type { AnyObject } from './objects.ts'
import type { ResourceType } from './resource-type.ts'

/** The scale of a Deployment. */
export function scaleOf(object: AnyObject): AnyObject {
  const { metadata, spec, status } = object as unknown as Deployment
  const { name, namespace = '', uid = '', resourceVersion = '', creationTimestamp = '' } = metadata
  const labels = Object.entries(spec.selector.matchLabels ?? {}).map((pair) => pair.join('='))
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 1 },
    status: { replicas: status?.replicas ?? 0, selector: labels.join(',') },
  }
}

/** The Deployment with the replicas, and the conflict check, of a scale. */
export function withScale(type: ResourceType, object: AnyObject, scale: AnyObject): AnyObject {
  const replicas = (scale.spec as { replicas?: unknown } | undefined)?.replicas ?? 0
  if (!Number.isInteger(replicas)) {
    throw invalid(type, object.metadata.name, [invalidField('spec.replicas', replicas, 'must be an integer')])
  }
  const { resourceVersion = object.metadata.resourceVersion } = scale.metadata ?? {}
  return {
    ...object,
    metadata: { ...object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    spec: { ...(object.spec as object), replicas },
  }
}
