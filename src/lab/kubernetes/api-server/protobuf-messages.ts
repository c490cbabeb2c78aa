/**
 * Field numbers of the Kubernetes messages that kubectl sends as protobuf (`create namespace`, `auth can-i` and the
 * like, since 1.32; anything from a manifest comes as JSON). From the `generated.proto` files of k8s.io/api.
 */

/** A scalar drops its zero value, as JSON with `omitempty` does; one marked `?` is optional and keeps it. */
type Scalar = 'string' | 'bytes' | 'int' | 'int?' | 'bool' | 'bool?'

export type FieldType =
  | Scalar
  | 'int-or-string'
  /** What a create does not read. */
  | 'ignored'
  | { message: string }
  | { map: 'string' | 'bytes' }

export interface Field {
  name: string
  type: FieldType
  repeated?: true
}

export type Message = Readonly<Record<number, Field>>

function one(name: string, type: FieldType): Field {
  return { name, type }
}

function many(name: string, type: FieldType): Field {
  return { name, type, repeated: true }
}

const metadata = one('metadata', { message: 'ObjectMeta' })
const stringMap: FieldType = { map: 'string' }

export const messages: Readonly<Record<string, Message>> = {
  ObjectMeta: {
    1: one('name', 'string'),
    2: one('generateName', 'string'),
    3: one('namespace', 'string'),
    4: one('selfLink', 'ignored'),
    5: one('uid', 'string'),
    6: one('resourceVersion', 'string'),
    7: one('generation', 'ignored'),
    8: one('creationTimestamp', 'ignored'),
    9: one('deletionTimestamp', 'ignored'),
    10: one('deletionGracePeriodSeconds', 'ignored'),
    11: one('labels', stringMap),
    12: one('annotations', stringMap),
    13: many('ownerReferences', { message: 'OwnerReference' }),
    14: many('finalizers', 'string'),
    17: many('managedFields', 'ignored'),
  },
  OwnerReference: {
    1: one('kind', 'string'),
    3: one('name', 'string'),
    4: one('uid', 'string'),
    5: one('apiVersion', 'string'),
    6: one('controller', 'bool?'),
    7: one('blockOwnerDeletion', 'bool?'),
  },
  Namespace: { 1: metadata, 2: one('spec', 'ignored'), 3: one('status', 'ignored') },
  ConfigMap: {
    1: metadata,
    2: one('data', stringMap),
    3: one('binaryData', { map: 'bytes' }),
    4: one('immutable', 'bool?'),
  },
  Secret: {
    1: metadata,
    2: one('data', { map: 'bytes' }),
    3: one('type', 'string'),
    4: one('stringData', stringMap),
    5: one('immutable', 'bool?'),
  },
  ServiceAccount: { 1: metadata },
  Service: { 1: metadata, 2: one('spec', { message: 'ServiceSpec' }), 3: one('status', 'ignored') },
  ServiceSpec: {
    1: many('ports', { message: 'ServicePort' }),
    2: one('selector', stringMap),
    3: one('clusterIP', 'string'),
    4: one('type', 'string'),
    5: many('externalIPs', 'string'),
    7: one('sessionAffinity', 'string'),
    8: one('loadBalancerIP', 'string'),
    9: many('loadBalancerSourceRanges', 'string'),
    10: one('externalName', 'string'),
    11: one('externalTrafficPolicy', 'string'),
    12: one('healthCheckNodePort', 'int'),
    13: one('publishNotReadyAddresses', 'bool'),
    14: one('sessionAffinityConfig', 'ignored'),
    17: one('ipFamilyPolicy', 'string'),
    18: many('clusterIPs', 'string'),
    19: many('ipFamilies', 'string'),
    20: one('allocateLoadBalancerNodePorts', 'bool?'),
    21: one('loadBalancerClass', 'string'),
    22: one('internalTrafficPolicy', 'string'),
    23: one('trafficDistribution', 'string'),
  },
  ServicePort: {
    1: one('name', 'string'),
    2: one('protocol', 'string'),
    3: one('port', 'int'),
    4: one('targetPort', 'int-or-string'),
    5: one('nodePort', 'int'),
    6: one('appProtocol', 'string'),
  },
  Deployment: { 1: metadata, 2: one('spec', { message: 'DeploymentSpec' }), 3: one('status', 'ignored') },
  DeploymentSpec: {
    1: one('replicas', 'int?'),
    2: one('selector', { message: 'LabelSelector' }),
    3: one('template', { message: 'PodTemplateSpec' }),
    4: one('strategy', { message: 'DeploymentStrategy' }),
    5: one('minReadySeconds', 'int'),
    6: one('revisionHistoryLimit', 'int?'),
    7: one('paused', 'bool'),
    9: one('progressDeadlineSeconds', 'int?'),
  },
  DeploymentStrategy: { 1: one('type', 'string') },
  LabelSelector: { 1: one('matchLabels', stringMap) },
  PodTemplateSpec: { 1: metadata, 2: one('spec', { message: 'PodSpec' }) },
  PodSpec: {
    2: many('containers', { message: 'Container' }),
    3: one('restartPolicy', 'string'),
    4: one('terminationGracePeriodSeconds', 'int?'),
    5: one('activeDeadlineSeconds', 'int?'),
    6: one('dnsPolicy', 'string'),
    7: one('nodeSelector', stringMap),
    8: one('serviceAccountName', 'string'),
    9: one('serviceAccount', 'string'),
    10: one('nodeName', 'string'),
    11: one('hostNetwork', 'bool'),
    12: one('hostPID', 'bool'),
    13: one('hostIPC', 'bool'),
    16: one('hostname', 'string'),
    17: one('subdomain', 'string'),
    19: one('schedulerName', 'string'),
    20: many('initContainers', { message: 'Container' }),
    24: one('priorityClassName', 'string'),
  },
  Container: {
    1: one('name', 'string'),
    2: one('image', 'string'),
    3: many('command', 'string'),
    4: many('args', 'string'),
    5: one('workingDir', 'string'),
    6: many('ports', { message: 'ContainerPort' }),
    7: many('env', { message: 'EnvVar' }),
    // Requests and limits: the lab's pods have none.
    8: one('resources', 'ignored'),
    13: one('terminationMessagePath', 'string'),
    14: one('imagePullPolicy', 'string'),
    16: one('stdin', 'bool'),
    17: one('stdinOnce', 'bool'),
    18: one('tty', 'bool'),
    20: one('terminationMessagePolicy', 'string'),
  },
  ContainerPort: {
    1: one('name', 'string'),
    2: one('hostPort', 'int'),
    3: one('containerPort', 'int'),
    4: one('protocol', 'string'),
    5: one('hostIP', 'string'),
  },
  EnvVar: { 1: one('name', 'string'), 2: one('value', 'string') },
  DeleteOptions: {
    1: one('gracePeriodSeconds', 'int?'),
    2: one('preconditions', { message: 'Preconditions' }),
    3: one('orphanDependents', 'ignored'),
    4: one('propagationPolicy', 'string'),
    5: many('dryRun', 'string'),
  },
  Preconditions: { 1: one('uid', 'string'), 2: one('resourceVersion', 'string') },
  Eviction: { 1: metadata, 2: one('deleteOptions', { message: 'DeleteOptions' }) },
  SelfSubjectAccessReview: {
    1: metadata,
    2: one('spec', { message: 'SelfSubjectAccessReviewSpec' }),
    3: one('status', 'ignored'),
  },
  SelfSubjectAccessReviewSpec: {
    1: one('resourceAttributes', { message: 'ResourceAttributes' }),
    2: one('nonResourceAttributes', { message: 'NonResourceAttributes' }),
  },
  ResourceAttributes: {
    1: one('namespace', 'string'),
    2: one('verb', 'string'),
    3: one('group', 'string'),
    4: one('version', 'string'),
    5: one('resource', 'string'),
    6: one('subresource', 'string'),
    7: one('name', 'string'),
  },
  NonResourceAttributes: { 1: one('path', 'string'), 2: one('verb', 'string') },
  SelfSubjectRulesReview: {
    1: metadata,
    2: one('spec', { message: 'SelfSubjectRulesReviewSpec' }),
    3: one('status', 'ignored'),
  },
  SelfSubjectRulesReviewSpec: { 1: one('namespace', 'string') },
}
