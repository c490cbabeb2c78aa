// The folder tree is the architecture: imports point one way only (docs/concepts/architecture.md).
const layers = [
  ['net', []],
  ['diagnostics', []],
  ['intent', ['net', 'diagnostics']],
  ['plan', ['intent', 'net', 'diagnostics']],
  ['render', ['plan', 'intent', 'net', 'diagnostics']],
  ['verify', ['render', 'plan', 'intent', 'net', 'diagnostics']],
  ['frr', ['net', 'diagnostics', 'linux']],
  ['linux', ['net', 'diagnostics']],
  ['kube', ['net', 'diagnostics']],
  ['agent', ['kube', 'frr', 'linux', 'plan', 'net', 'diagnostics']],
  ['lab', ['agent', 'kube', 'frr', 'linux', 'verify', 'render', 'plan', 'intent', 'net', 'diagnostics']],
]
const pure = ['net', 'diagnostics', 'intent', 'plan', 'render', 'verify']

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...layers.map(([name, allowed]) => ({
      name: `${name}-imports-downward`,
      severity: 'error',
      from: { path: `^src/${name}/` },
      to: { path: '^src/', pathNot: `^src/(${[name, ...allowed].join('|')})/` },
    })),
    {
      name: 'pure-core-does-no-io',
      comment:
        'intent, plan and render are functions over plain data; files and sockets are the edge’s business.',
      severity: 'error',
      from: { path: `^src/(${pure.join('|')})/`, pathNot: '\\.test\\.ts$' },
      to: {
        path: '^(node:)?(fs|child_process|net|http|https|os|process|dns|worker_threads)(/|$)',
        dependencyTypes: ['core'],
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
}
