/**
 * Rules of Pods: defaults, what may change, how long one may take to stop.
 */
import {
  duplicateField,
  type FieldError,
  forbiddenField,
  invalidField,
  missingField,
  unsupportedField,
} from './api-error.ts'
import { checkLabels, checkName } from './metadata-rules.ts'
import {
  type AnyObject,
  type Container,
  editableCopy,
  isSameJson,
  type Pod,
  type PodSpec,
} from './objects.ts'
import type { Strategy } from './resource-type.ts'

const defaultGraceSeconds = 30

export const podStrategy: Strategy = {
  prepareCreate(object) {
    const pod = asPod(object)
    applyDefaults(pod.spec)
    pod.status = { phase: 'Pending' }
  },
  prepareUpdate: (object) => applyDefaults(asPod(object).spec),
  validate(object, previous) {
    const errors = checkPodSpec(asPod(object).spec)
    return previous === undefined
      ? errors
      : [...errors, ...checkChange(asPod(object).spec, asPod(previous).spec)]
  },
  graceSeconds(object, requested) {
    const pod = asPod(object)
    // Nobody runs it, or it has ended: there is nothing to wait for.
    const hasEnded = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
    if (!pod.spec.nodeName || hasEnded) return 0
    return Math.max(0, requested ?? pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds)
  },
}

function asPod(object: AnyObject): Pod {
  const pod = object as unknown as Pod
  pod.spec ??= { containers: [] }
  return pod
}

/** Fills in what a client may leave out of a Pod's spec. */
function applyDefaults(spec: PodSpec): void {
  spec.restartPolicy ??= 'Always'
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.schedulerName ??= 'default-scheduler'
  spec.terminationGracePeriodSeconds ??= defaultGraceSeconds
  for (const container of containersOf(spec)) {
    container.imagePullPolicy ??= 'IfNotPresent'
    for (const port of container.ports ?? []) port.protocol ??= 'TCP'
  }
}

function containersOf(spec: PodSpec): Container[] {
  const main = Array.isArray(spec.containers) ? spec.containers : []
  return [...(spec.initContainers ?? []), ...main]
}

/** The broken rules of a Pod's spec; also used for the template of a Deployment. */
export function checkPodSpec(spec: PodSpec, at = 'spec'): FieldError[] {
  if (!Array.isArray(spec.containers) || spec.containers.length === 0)
    return [missingField(`${at}.containers`)]
  const errors = checkLabels(spec.nodeSelector, `${at}.nodeSelector`)
  const names = new Set<string>()
  for (const [index, container] of spec.containers.entries()) {
    const here = `${at}.containers[${index}]`
    errors.push(...checkName(container.name ?? '', 'label', `${here}.name`))
    if (names.has(container.name)) errors.push(duplicateField(`${here}.name`, container.name))
    names.add(container.name)
    if (!container.image) errors.push(missingField(`${here}.image`))
    for (const [portIndex, port] of (container.ports ?? []).entries()) {
      const { containerPort } = port
      if (!Number.isInteger(containerPort) || containerPort < 1 || containerPort > 65535) {
        const field = `${here}.ports[${portIndex}].containerPort`
        errors.push(invalidField(field, containerPort, 'must be between 1 and 65535, inclusive'))
      }
    }
  }
  const policies = ['Always', 'Never', 'OnFailure']
  if (spec.restartPolicy !== undefined && !policies.includes(spec.restartPolicy)) {
    errors.push(unsupportedField(`${at}.restartPolicy`, spec.restartPolicy, policies))
  }
  const grace = spec.terminationGracePeriodSeconds
  if (grace !== undefined && !(Number.isInteger(grace) && grace >= 0)) {
    errors.push(
      invalidField(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than or equal to 0'),
    )
  }
  return errors
}

function checkChange(spec: PodSpec, previous: PodSpec): FieldError[] {
  if (isSameJson(unchangeable(spec), unchangeable(previous))) return []
  const message =
    'pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, ' +
    '`spec.activeDeadlineSeconds`, `spec.tolerations`, `spec.terminationGracePeriodSeconds`'
  return [forbiddenField('spec', message)]
}

function unchangeable(spec: PodSpec): unknown {
  const copy = editableCopy(spec) as PodSpec & Record<string, unknown>
  for (const container of containersOf(copy)) delete container.image
  delete copy.activeDeadlineSeconds
  delete copy.tolerations
  delete copy.terminationGracePeriodSeconds
  return copy
}
