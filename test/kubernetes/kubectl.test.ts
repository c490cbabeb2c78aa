/**
 * The kubectl found on PATH against the embedded control plane: what an engineer types has to work.
 */
import { type ChildProcessWithoutNullStreams, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EmbeddedControlPlane, startControlPlane } from '../../src/lab/kubernetes/control-plane.ts'
import { send, until } from '../../src/lab/kubernetes/test-client.ts'

const run = promisify(execFile)
const program = 'kubectl'

let controlPlane: EmbeddedControlPlane
let folder: string
let common: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-kubectl-'))
  controlPlane = await startControlPlane(
    {
      listeners: [{ address: '127.0.0.1', port: 0 }],
      serviceCidrs: ['10.96.0.0/16', 'fd00:96::/112'],
      pools: [{ name: 'edge', cidrs: ['192.0.2.0/28'] }],
    },
    pino({ level: 'silent' }),
  )
  common = [
    `--server=${controlPlane.apiUrl}`,
    '--kubeconfig=/dev/null',
    `--cache-dir=${join(folder, 'cache')}`,
  ]
})

afterAll(async () => {
  await controlPlane?.close()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

async function kubectl(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(program, [...common, ...args], {
    timeout: 60_000,
    env: { ...process.env, KUBE_EDITOR: join(folder, 'editor') },
  })
  return stdout + stderr
}

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

/** A kubectl that keeps running, with its lines as they come. */
function follow(...args: string[]): { line: () => Promise<string>; stop: () => Promise<void> } {
  const child: ChildProcessWithoutNullStreams = spawn(program, [...common, ...args])
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async line() {
      const { value, done } = await lines.next()
      if (done) throw new Error(`kubectl ${args.join(' ')} ended`)
      return value
    },
    async stop() {
      const exited = once(child, 'exit')
      child.kill()
      await exited
    },
  }
}

const web = `
apiVersion: v1
kind: Service
metadata: {name: web, labels: {tier: front}}
spec:
  type: LoadBalancer
  ipFamilyPolicy: PreferDualStack
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, labels: {app: web}}
spec: {containers: [{name: responder, image: weft/responder}]}
`

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', labels: { 'node-role.kubernetes.io/control-plane': '' } },
  status: {
    conditions: [{ type: 'Ready', status: 'True' }],
    addresses: [{ type: 'InternalIP', address: '10.10.0.1' }],
    nodeInfo: {
      kubeletVersion: 'v1.32.0',
      osImage: 'Weft lab',
      kernelVersion: '6.1',
      containerRuntimeVersion: 'weft://1',
    },
  },
}

const pools = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pools.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {plural: pools, kind: Pool, shortNames: [pl]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns: [{name: Cidr, type: string, jsonPath: '.spec.cidrs[0]'}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [cidrs]
            properties: {cidrs: {type: array, items: {type: string}}}
`

function findKubectl(): string | undefined {
  try {
    return execFileSync(program, ['version', '--client'], { encoding: 'utf8', stdio: 'pipe' }).split('\n')[0]
  } catch {
    return undefined
  }
}

const found = findKubectl()

describe.skipIf(found === undefined)(
  found === undefined
    ? 'kubectl (skipped: no kubectl on PATH; apt-get install kubernetes-client)'
    : 'kubectl',
  () => {
    test('applies a manifest, sees nothing to do the second time, and prints what came of it', async () => {
      await send(`${controlPlane.apiUrl}/api/v1/nodes`, 'POST', node)
      const file = await write('web.yaml', web)

      expect(await kubectl('apply', '-f', file)).toBe('service/web created\npod/web-1 created\n')
      expect(await kubectl('apply', '-f', file)).toBe('service/web unchanged\npod/web-1 unchanged\n')

      expect(await kubectl('get', 'service', 'web')).toMatch(
        /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +LoadBalancer +10\.96\.0\.2 +192\.0\.2\.0 +80:30000\/TCP +\d+s\n$/,
      )
      await until(
        async () => kubectl('get', 'pods', '-o', 'wide'),
        (text) => /web-1 +0\/1 +Pending .* n1 /.test(text),
      )
      expect(await kubectl('get', 'nodes', '-o', 'wide')).toMatch(
        /n1 +Ready +control-plane +\d+s +v1\.32\.0 +10\.10\.0\.1/,
      )
      expect(await kubectl('get', 'endpointslices')).toMatch(/web-\w+ +IPv4 +<unset> +<unset>/)
      expect(await kubectl('get', 'namespaces')).toMatch(/default +Active/)
      expect(await kubectl('get', 'events')).toMatch(
        /Normal +Scheduled +pod\/web-1 +Successfully assigned default\/web-1 to n1/,
      )
      expect(JSON.parse(await kubectl('get', 'service', 'web', '-o', 'json')).spec.clusterIPs).toEqual([
        '10.96.0.2',
        'fd00:96::1',
      ])
    })

    test('applies a change: what the manifest no longer says goes, what others set stays', async () => {
      await kubectl('annotate', 'service', 'web', 'example.com/note=kept')
      const changed = web.replace(', labels: {tier: front}', '').replace('port: 80,', 'port: 81,')

      expect(await kubectl('apply', '-f', await write('changed.yaml', changed))).toContain(
        'service/web configured',
      )

      const { metadata, spec } = JSON.parse(await kubectl('get', 'service', 'web', '-o', 'json'))
      expect(metadata.labels ?? {}).toEqual({})
      expect(metadata.annotations['example.com/note']).toBe('kept')
      expect(spec.ports.map(({ port }: { port: number }) => port)).toEqual([81])
    })

    test('applies on the server', async () => {
      const file = await write(
        'side.yaml',
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: side}\ndata: {a: "1"}\n',
      )

      expect(await kubectl('apply', '--server-side', '-f', file)).toBe('configmap/side serverside-applied\n')
      await write('side.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: side}\ndata: {b: "2"}\n')
      await kubectl('apply', '--server-side', '-f', file)

      expect(await kubectl('get', 'configmap', 'side', '-o', 'jsonpath={.data}')).toBe('{"b":"2"}')

      await write('side.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: side}\ndata: {b: "3"}\n')
      await expect(kubectl('apply', '--server-side', '--field-manager=other', '-f', file)).rejects.toThrow(
        'conflict with "kubectl": .data.b',
      )
      const forced = ['apply', '--server-side', '--force-conflicts', '--field-manager=other', '-f', file]
      expect(await kubectl(...forced)).toBe('configmap/side serverside-applied\n')
    })

    test('creates, labels, patches and edits', async () => {
      const file = await write(
        'plain.yaml',
        'apiVersion: v1\nkind: Service\nmetadata: {name: plain}\nspec: {selector: {app: x}, ports: [{port: 80}]}\n',
      )
      await write('editor', '#!/bin/sh\nsed -i "s/color: red/color: blue/" "$1"\n')
      await chmod(join(folder, 'editor'), 0o755)

      expect(await kubectl('create', '-f', file)).toBe('service/plain created\n')
      await expect(kubectl('create', '-f', file)).rejects.toThrow('AlreadyExists')
      expect(await kubectl('label', 'service', 'plain', 'color=red')).toBe('service/plain labeled\n')
      expect(
        await kubectl('patch', 'service', 'plain', '-p', '{"spec":{"ports":[{"port":80,"name":"web"}]}}'),
      ).toBe('service/plain patched\n')
      expect(await kubectl('edit', 'service', 'plain')).toBe('service/plain edited\n')

      expect(await kubectl('get', 'service', 'plain', '-L', 'color')).toMatch(/plain .* blue\n/)
      expect(await kubectl('get', 'service', 'plain', '-o', 'jsonpath={.spec.ports[*].name}')).toBe('web')
    })

    test('creates by word, without a manifest', async () => {
      expect(await kubectl('create', 'namespace', 'shop')).toBe('namespace/shop created\n')
      expect(await kubectl('create', 'configmap', 'c', '--from-literal=a=b', '-n', 'shop')).toBe(
        'configmap/c created\n',
      )
      expect(await kubectl('create', 'service', 'clusterip', 's', '--tcp=80:8080', '-n', 'shop')).toBe(
        'service/s created\n',
      )
      expect(await kubectl('create', 'deployment', 'd', '--image=i', '--replicas=2', '-n', 'shop')).toBe(
        'deployment.apps/d created\n',
      )
      expect(await kubectl('auth', 'can-i', 'create', 'pods')).toBe('yes\n')

      expect(await kubectl('get', 'configmap', 'c', '-n', 'shop', '-o', 'jsonpath={.data.a}')).toBe('b')
      const service = JSON.parse(await kubectl('get', 'service', 's', '-n', 'shop', '-o', 'json'))
      expect(service.spec).toMatchObject({
        selector: { app: 's' },
        ports: [{ name: '80-8080', port: 80, targetPort: 8080 }],
      })
      expect(await kubectl('scale', 'deployment', 'd', '--replicas=3', '-n', 'shop')).toBe(
        'deployment.apps/d scaled\n',
      )
      await until(
        () => kubectl('get', 'pods', '-n', 'shop', '-o', 'name'),
        (text) => text.trim().split('\n').length === 3,
      )
      expect(await kubectl('get', 'deployment', '-n', 'shop')).toMatch(/d +0\/3 +3 +0 +\d+s/)
      expect(await kubectl('delete', 'namespace', 'shop', '--wait=false')).toContain('deleted')
    })

    test('describes with events', async () => {
      expect(await kubectl('describe', 'service', 'web')).toMatch(
        /LoadBalancer Ingress: +192\.0\.2\.0[\s\S]*AddressAssigned/,
      )
      expect(await kubectl('describe', 'pod', 'web-1')).toMatch(/Node: +n1[\s\S]*Successfully assigned/)
      expect(await kubectl('describe', 'node', 'n1')).toMatch(
        /Roles: +control-plane[\s\S]*InternalIP: +10\.10\.0\.1[\s\S]*web-1/,
      )
    })

    test('serves custom resources as soon as their definition is there', async () => {
      await kubectl('apply', '-f', await write('crd.yaml', pools))
      await kubectl('wait', '--for=condition=Established', 'crd/pools.example.com', '--timeout=10s')
      const file = await write(
        'pool.yaml',
        'apiVersion: example.com/v1\nkind: Pool\nmetadata: {name: p}\nspec: {cidrs: [10.0.0.0/8]}\n',
      )

      expect(await kubectl('apply', '-f', file)).toBe('pool.example.com/p created\n')
      expect(await kubectl('get', 'pl')).toMatch(/NAME +CIDR\np +10\.0\.0\.0\/8\n/)
      await expect(
        kubectl('patch', 'pool', 'p', '--type=merge', '-p', '{"spec":{"cidrs":"x"}}'),
      ).rejects.toThrow(/spec\.cidrs: Invalid value: "x": must be of type array/)
      expect(await kubectl('delete', 'crd', 'pools.example.com')).toContain('deleted')
    })

    test('watches and waits', async () => {
      const watch = follow('get', 'configmaps', '-w')
      try {
        expect(await watch.line()).toMatch(/^NAME +DATA +AGE$/)
        expect(await watch.line()).toMatch(/^side +1/)
        await kubectl(
          'apply',
          '-f',
          await write('seen.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\n'),
        )
        expect(await watch.line()).toMatch(/^seen +0/)
      } finally {
        await watch.stop()
      }

      const waiting = kubectl('wait', '--for=condition=Ready', 'pod/web-1', '--timeout=30s')
      const status = { conditions: [{ type: 'Ready', status: 'True' }] }
      await send(
        `${controlPlane.apiUrl}/api/v1/namespaces/default/pods/web-1/status`,
        'PATCH',
        { status },
        {
          'content-type': 'application/merge-patch+json',
        },
      )
      expect(await waiting).toBe('pod/web-1 condition met\n')
    })

    test('a refused object says which field is wrong, an absent one that it is absent', async () => {
      const file = await write(
        'bad.yaml',
        'apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 70000}]}\n',
      )

      await expect(kubectl('apply', '-f', file)).rejects.toThrow('spec.ports[0].port: Invalid value: 70000')
      await expect(kubectl('get', 'service', 'nope')).rejects.toThrow('services "nope" not found')
    })

    test('deletes, and waits for a Pod until its node lets it go', async () => {
      const path = `${controlPlane.apiUrl}/api/v1/namespaces/default/pods/web-1`
      const deleting = kubectl('delete', 'pod', 'web-1')
      await until(
        async () => (await send(path)).body.metadata?.deletionTimestamp,
        (at) => at !== undefined,
      )
      expect(await kubectl('get', 'pod', 'web-1')).toContain('Terminating')
      await send(path, 'DELETE', { gracePeriodSeconds: 0 })

      expect(await deleting).toContain('pod "web-1" deleted')
      expect(await kubectl('delete', 'service', '--all')).toContain('service "web" deleted')
      expect(await kubectl('get', 'services')).toContain('No resources found')
    })
  },
)
