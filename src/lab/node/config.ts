import { readFile } from 'node:fs/promises'
import { WeftError } from '../../diagnostics/error.ts'
import { parseAddress } from '../../net/address.ts'
import { readPrefix } from '../../net/prefix.ts'

/** What the lab writes for each node; paths and intervals have their defaults filled in by {@link readConfig}. */
export interface NodeRuntimeConfig {
  nodeName: string
  labName: string
  /** The network namespace the runtime was started in, for messages. */
  namespace: string
  /** Such as `http://10.0.0.1:6443`, reached over the fabric. */
  apiUrl: string
  /** Bearer token, read again for every request, and certificate authority, where the API asks for them. */
  tokenFile?: string
  caFile?: string
  /** The node's loopbacks, one a family at most; a /32 or /128 behind them is allowed. */
  addresses: string[]
  podCidrs: string[]
  heartbeatSeconds: number
  /** Pods' network namespaces begin with this, then `<node>-`. */
  podNamespacePrefix: string
  /** Labels of the Node object; `topology.kubernetes.io/zone` also shows in the pods' answers. */
  labels: Record<string, string>
  /** Where running pods are recorded. Default `/run/weft/nodes/<lab>/<node>`. */
  stateDirectory: string
  /** `none` where kube-proxy does it. */
  serviceProxy: 'own' | 'none'
  /** Loopback port of the Service proxy's health and programmed state. Default 10256, as kube-proxy's. */
  proxyPort: number
  /** Stop the pods with the runtime. Default false: a runtime that is restarted or upgraded leaves them running. */
  stopPodsOnExit: boolean
}

/** Reads and checks a node's configuration file. */
export async function readConfig(path: string): Promise<NodeRuntimeConfig> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw configError(`cannot read ${path}: ${(cause as Error).message}`)
  })
  try {
    return checkConfig(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError) throw configError(`${path} is not JSON: ${error.message}`)
    throw error
  }
}

/** Checks a configuration and fills in its defaults. */
export function checkConfig(raw: unknown): NodeRuntimeConfig {
  const given = (typeof raw === 'object' && raw !== null ? raw : {}) as Record<string, unknown>
  const nodeName = text(given, 'nodeName')
  const labName = text(given, 'labName')
  const addresses = texts(given, 'addresses').map((entry) => entry.replace(/\/(32|128)$/, ''))
  const podCidrs = texts(given, 'podCidrs')
  const badAddress = addresses.find((address) => parseAddress(address) === null)
  if (badAddress !== undefined) throw configError(`"addresses" holds "${badAddress}", which is no address`)
  const badCidr = podCidrs.find((cidr) => typeof readPrefix(cidr) === 'string')
  if (badCidr !== undefined) throw configError(`"podCidrs" holds "${badCidr}", which is no prefix`)
  const apiUrl = text(given, 'apiUrl')
  const tokenFile = optionalText(given, 'tokenFile')
  const caFile = optionalText(given, 'caFile')
  if (!/^https?:\/\//.test(apiUrl))
    throw configError(`"apiUrl" is "${apiUrl}", expected http://<address>:<port>`)
  return {
    nodeName,
    labName,
    namespace: text(given, 'namespace'),
    apiUrl,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(caFile === undefined ? {} : { caFile }),
    addresses,
    podCidrs,
    heartbeatSeconds: number(given, 'heartbeatSeconds', 10),
    podNamespacePrefix: text(given, 'podNamespacePrefix'),
    labels: (given.labels ?? {}) as Record<string, string>,
    stateDirectory: optionalText(given, 'stateDirectory') ?? `/run/weft/nodes/${labName}/${nodeName}`,
    serviceProxy: given.serviceProxy === 'none' ? 'none' : 'own',
    proxyPort: number(given, 'proxyPort', 10256),
    stopPodsOnExit: given.stopPodsOnExit === true,
  }
}

function text(given: Record<string, unknown>, key: string): string {
  const value = optionalText(given, key)
  if (value === undefined) throw configError(`"${key}" is missing, expected a text`)
  return value
}

function optionalText(given: Record<string, unknown>, key: string): string | undefined {
  const value = given[key]
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '') return value
  throw configError(`"${key}" is ${JSON.stringify(value)}, expected a text`)
}

function texts(given: Record<string, unknown>, key: string): string[] {
  const value = given[key]
  if (Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === 'string'))
    return value
  throw configError(`"${key}" is ${JSON.stringify(value)}, expected a list with at least one text`)
}

function number(given: Record<string, unknown>, key: string, fallback: number): number {
  const value = given[key] ?? fallback
  if (typeof value === 'number' && value > 0) return value
  throw configError(`"${key}" is ${JSON.stringify(value)}, expected a number above 0`)
}

function configError(problem: string): WeftError {
  return new WeftError('WEFT_NODE_CONFIG', `node configuration: ${problem}`, {
    hint: 'the lab writes this file: run "weft lab down" and "weft lab up" again',
    exitCode: 2,
  })
}
