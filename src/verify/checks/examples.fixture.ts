/** The examples of docs/reference/checks.md, so that tests run what users read. */
import { parse } from 'yaml'
import { loadIntent } from '../../intent/load.ts'
import { emptyLock } from '../../plan/lock.ts'
import type { Plan } from '../../plan/model.ts'
import { planFabric } from '../../plan/plan-fabric.ts'
import type { VerifyInput } from './context.ts'

export interface DocumentedCheck {
  id: string
  /** The section without its examples, with single spaces. */
  text: string
  examples: { language: 'yaml' | 'json'; source: string }[]
}

/** What the page says, check by check. */
export function readDocumentedChecks(page: string): DocumentedCheck[] {
  return page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const id = section.slice(0, section.indexOf('\n'))
      const body = section.slice(id.length).replace(/^## .*/ms, '')
      return {
        id,
        text: body
          .replaceAll(/```.*?```/gs, '')
          .replaceAll(/\s+/g, ' ')
          .trim(),
        examples: examplesIn(body),
      }
    })
}

export function examplesIn(text: string): DocumentedCheck['examples'] {
  return [...text.matchAll(/```(yaml|json)\n(.*?)```/gs)].map(([, language, source]) => ({
    language: language as 'yaml' | 'json',
    source: source!,
  }))
}

/** The intent that all examples are laid over: two sites, nothing to find. */
export const baseIntent: object = parse(`weft: v1
frr: "10.3"
racks:
  compute: { leaves: 2, nodes: 2 }
sites:
  dc1:
    addresses:
      switches: 10.10.18.0/24
      nodes: 10.10.19.0/24
      pods: { pool: 10.10.20.0/24, perNode: 28 }
      services: 10.10.21.0/24
    fabric: { spines: 2, racks: { compute: 2 }, borderLeaves: 2 }
    dci: { routers: 2 }
    edge: { routers: 2, asn: 64512 }
  dc2:
    addresses:
      switches: 10.20.18.0/24
      nodes: 10.20.19.0/24
      pods: { pool: 10.20.20.0/24, perNode: 28 }
      services: 10.20.21.0/24
    fabric: { spines: 2, racks: { compute: 1 }, borderLeaves: 2 }
    dci: { routers: 2 }
peers:
  isp: { site: dc1, asn: 64999, link: 192.0.2.0/29, gtsm: true }
`)

/** An intent laid over the base, or an edit of the base's plan, ready to be verified. */
export function inputOf({ language, source }: DocumentedCheck['examples'][number]): VerifyInput {
  if (language === 'yaml') return inputOfIntent(merge(baseIntent, parse(source)) as object)
  const input = inputOfIntent(baseIntent)
  return { ...input, plan: editPlan(input.plan, JSON.parse(source)) }
}

export function inputOfIntent(intent: object): VerifyInput {
  const loaded = loadIntent(JSON.stringify(intent), { file: 'weft.yaml' })
  const messages = loaded.diagnostics.map(({ message }) => message)
  if (loaded.intent === null) throw new Error(messages.join('\n'))
  const { plan, diagnostics } = planFabric(loaded.intent, emptyLock)
  if (plan === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return { plan, intent: loaded.intent, locate: loaded.locate }
}

/** Lays an edit over a copy of the plan: devices by name, sessions by link, everything else by key. */
function editPlan(plan: Plan, edit: { devices?: object; sessions?: object }): Plan {
  const copy = structuredClone(plan)
  const { devices = {}, sessions = {}, ...rest } = edit
  return {
    ...(merge(copy, rest) as Plan),
    devices: editList(copy.devices, 'name', devices),
    sessions: editList(copy.sessions, 'link', sessions),
  }
}

function editList<T extends object>(list: T[], key: keyof T, edits: object): T[] {
  const known = new Map(Object.entries(edits))
  const edited = list.map((entry) => {
    const name = String(entry[key])
    const edit = known.get(name)
    known.delete(name)
    return edit === undefined ? entry : (merge(entry, edit) as T)
  })
  if (known.size > 0) throw new Error(`there is no ${[...known.keys()].join(', ')} in the plan`)
  return edited
}

/** Maps are merged key by key, all else is replaced. */
function merge(below: unknown, above: unknown): unknown {
  if (!isMap(below) || !isMap(above)) return above
  const keys = new Set([...Object.keys(below), ...Object.keys(above)])
  return Object.fromEntries(
    [...keys].map((key) => [key, key in above ? merge(below[key], above[key]) : below[key]]),
  )
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
