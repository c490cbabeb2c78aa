import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

interface ClusterRole {
  kind: string
  rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[]
}

test('rbac.md lists what deploy/agent-rbac.yaml grants', () => {
  const documents = parseAllDocuments(readFileSync('deploy/agent-rbac.yaml', 'utf8')).map((document) =>
    document.toJS(),
  ) as ClusterRole[]
  const rules = documents.find(({ kind }) => kind === 'ClusterRole')?.rules ?? []
  const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
    resources.map((resource) => `${apiGroups[0] || '(core)'} ${resource}: ${verbs.join(', ')}`),
  )
  const page = readFileSync('docs/reference/rbac.md', 'utf8')
  const documented = [...page.matchAll(/^\| (\S+) \| (\w+) \| ([^|]+) \| cluster \|/gm)].map(
    ([, group, resource, verbs]) => `${group} ${resource}: ${verbs}`,
  )
  expect(documented.toSorted()).toEqual(granted.toSorted())
})
