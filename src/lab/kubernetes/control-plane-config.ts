/**
 * The configuration of a control plane, as the lab writes it into a file for the process it starts.
 */
import { z } from 'zod'
import { WeftError } from '../../diagnostics/error.ts'
import { parseAddress } from '../../net/address.ts'
import { readPrefix } from '../../net/prefix.ts'

const address = z.string().refine((text) => parseAddress(text) !== null, 'not an IP address')
const cidr = z
  .string()
  .refine((text) => typeof readPrefix(text) !== 'string', 'not a CIDR prefix (host bits must be zero)')

const schema = z.strictObject({
  /** Where the API is served; port 0 takes a free one. */
  listeners: z.array(z.strictObject({ address, port: z.int().min(0).max(65535) })).min(1),
  /** One range, or one of each family; the first one is the default family. */
  serviceCidrs: z.array(cidr).min(1).max(2).refine(isOneOfEach, 'at most one range of each family'),
  nodePortRange: z.strictObject({ first: z.int().min(1), last: z.int().max(65535) }).optional(),
  /** Where load balancers get their addresses from, in this order. */
  pools: z.array(z.strictObject({ name: z.string().min(1), cidrs: z.array(cidr).min(1) })).default([]),
  /** How long a node may leave its Lease unrenewed. */
  nodeGraceSeconds: z.number().positive().default(40),
  accessLog: z.boolean().default(false),
  /**
   * Run the real thing from these programs. The first listener is then the API itself, over TLS, and the others are the
   * administrator's plain doors.
   */
  real: z
    .strictObject({
      binaries: z.strictObject({
        etcd: z.string(),
        'kube-apiserver': z.string(),
        'kube-controller-manager': z.string().optional(),
        'kube-scheduler': z.string().optional(),
      }),
      /** Data, certificates, tokens, kubeconfigs and logs; what is there is used again. */
      stateDirectory: z.string().min(1),
      /** Write `agent.token`, a service account token for agents. */
      agents: z.boolean().default(false),
      apiServerArguments: z.array(z.string()).default([]),
    })
    .optional(),
})

export type ControlPlaneConfig = z.input<typeof schema>
export type CompleteControlPlaneConfig = z.output<typeof schema>

/** Checks a configuration and fills in its defaults; everything wrong with it is in the one error. */
export function readControlPlaneConfig(
  value: unknown,
  source = 'the control plane configuration',
): CompleteControlPlaneConfig {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || '(top)'}: ${message}`)
  throw new WeftError('WEFT_LAB_CONTROL_PLANE_CONFIG', `${source} is not valid:\n${problems.join('\n')}`, {
    hint: 'it needs listeners [{address, port}], serviceCidrs, and optionally pools [{name, cidrs}], nodePortRange, nodeGraceSeconds, accessLog, real {binaries, stateDirectory}',
    exitCode: 2,
  })
}

function isOneOfEach(cidrs: readonly string[]): boolean {
  return new Set(cidrs.map((text) => text.includes(':'))).size === cidrs.length
}
