/* Kubernetes' label selectors: every requirement must hold; one without requirements selects everything. */

interface LabelRequirement {
  key: string
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  values: readonly string[]
}

export type LabelSelector = readonly LabelRequirement[]

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const

/** Reads `{matchLabels, matchExpressions}`; undefined when it is not exactly that. */
export function readLabelSelector(value: unknown): LabelSelector | undefined {
  if (!isRecord(value)) return undefined
  const { matchLabels = {}, matchExpressions = [], ...others } = value
  if (Object.keys(others).length > 0 || !isRecord(matchLabels) || !Array.isArray(matchExpressions))
    return undefined
  const labels = Object.entries(matchLabels).map(([key, entry]) =>
    readRequirement({ key, operator: 'In', values: [entry] }),
  )
  const requirements = [...labels, ...matchExpressions.map(readRequirement)]
  return requirements.every((requirement) => requirement !== undefined) ? requirements : undefined
}

/** Do the labels meet every requirement? */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return selector.every(({ key, operator, values }) => {
    const label = Object.hasOwn(labels, key) ? labels[key] : undefined
    if (operator === 'Exists') return label !== undefined
    if (operator === 'DoesNotExist') return label === undefined
    const isAmong = label !== undefined && values.includes(label)
    return operator === 'In' ? isAmong : !isAmong
  })
}

function readRequirement(value: unknown): LabelRequirement | undefined {
  if (!isRecord(value)) return undefined
  const operator = operators.find((entry) => entry === value.operator)
  const { key, values = [] } = value
  if (operator === undefined || typeof key !== 'string' || key === '' || !isTexts(values)) return undefined
  // An In without values selects nothing for ever, and a value beside Exists is a misunderstanding.
  const wantsValues = operator === 'In' || operator === 'NotIn'
  return wantsValues === values.length > 0 ? { key, operator, values } : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
