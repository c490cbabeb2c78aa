/**
 * Racks and their nodes by name.
 *
 * Racks are counted per type (`compute1`, `compute2`, `storage1`), so that one more rack of a type, or one more type,
 * never renames another. Names that the user listed stand as they are.
 */
import type { NodeIntent, RackIntent } from './model.ts'
import { findNearest } from './nearest.ts'
import { pathOf, type Report } from './problem.ts'
import type { Draft } from './schema.ts'

type RacksDraft = NonNullable<Draft['sites'][string]['fabric']['racks']>
type RackType = Draft['racks'][string]

export interface RackSource {
  site: string
  pod: string
  racks: RacksDraft
  /** Where `racks` is written. */
  path: string
}

const plainRack: RackType = { leaves: 2, nodes: 2 }

/** Beyond this a typing error is more likely than a datacenter. */
const mostNodesPerPod = 20_000

/** The racks of one pod. A rack whose type is unknown is reported and left out. */
export function buildRacks(draft: Draft, source: RackSource, report: Report): RackIntent[] {
  const { racks, path } = source
  if (typeof racks === 'number') {
    return countedRacks(
      draft,
      source,
      { name: 'rack', type: plainRack, count: racks, path, typePath: path },
      report,
    )
  }
  if (!Array.isArray(racks)) {
    return Object.entries(racks).flatMap(([name, count]) => {
      const entry = `${path}.${name}`
      const type = findType(draft, name, entry, report)
      if (type === null) return []
      return countedRacks(
        draft,
        source,
        { name, type, count, path: entry, typePath: `racks.${name}` },
        report,
      )
    })
  }
  return racks.flatMap((rack, index) => {
    const entry = `${path}.${index}`
    const type = rack.type === undefined ? plainRack : findType(draft, rack.type, `${entry}.type`, report)
    if (type === null) return []
    const nodesPath =
      rack.nodes !== undefined
        ? `${entry}.nodes`
        : rack.type === undefined
          ? entry
          : `racks.${rack.type}.nodes`
    const settings = {
      leaves: rack.leaves ?? type.leaves,
      nodes: rack.nodes ?? type.nodes,
      attachment: rack.attachment ?? type.attachment,
      uplinks: rack.uplinks ?? type.uplinks,
    }
    return [buildRack(draft, source.site, rack.name, entry, nodesPath, settings)]
  })
}

interface Counted {
  name: string
  type: RackType
  count: number
  path: string
  /** Where the type is written. */
  typePath: string
}

function countedRacks(
  draft: Draft,
  { site, pod }: RackSource,
  { name, type, count, path, typePath }: Counted,
  report: Report,
): RackIntent[] {
  const nodesPerRack = typeof type.nodes === 'number' ? type.nodes : type.nodes.length
  if (count * nodesPerRack > mostNodesPerPod) {
    report({
      code: 'WEFT_INTENT_TOO_LARGE',
      path: pathOf(path),
      message: `${count} racks of ${nodesPerRack} nodes are ${count * nodesPerRack} nodes`,
      expected: `at most ${mostNodesPerPod} nodes`,
      hint: 'check the number of racks, or split the site',
    })
    return []
  }
  const prefix = pod === '' ? name : `${pod}-${name}`
  return Array.from({ length: count }, (_, i) =>
    buildRack(draft, site, `${prefix}${i + 1}`, path, `${typePath}.nodes`, type),
  )
}

function buildRack(
  draft: Draft,
  site: string,
  name: string,
  path: string,
  nodesPath: string,
  { leaves, nodes, attachment, uplinks }: RackType,
): RackIntent {
  return {
    name,
    path,
    leaves,
    nodes: nameNodes(`${site}-${name}`, nodes, nodesPath),
    attachment: attachment ?? draft.bgp.attachment,
    uplinks: uplinks ?? Array.from({ length: leaves }, (_, i) => `eth${i + 1}`),
  }
}

function nameNodes(rack: string, nodes: RackType['nodes'], path: string): NodeIntent[] {
  if (typeof nodes !== 'number') return nodes.map((name, i) => ({ name, path: `${path}.${i}` }))
  return Array.from({ length: nodes }, (_, i) => ({ name: `${rack}-n${i + 1}`, path }))
}

function findType(draft: Draft, name: string, path: string, report: Report): RackType | null {
  const type = Object.hasOwn(draft.racks, name) ? draft.racks[name] : undefined
  if (type !== undefined) return type
  const known = Object.keys(draft.racks)
  const nearest = findNearest(name, known)
  report({
    code: 'WEFT_INTENT_REFERENCE',
    path: pathOf(path),
    at: 'key',
    message: `there is no rack type "${name}"`,
    expected: known.length > 0 ? `one of ${known.join(', ')}` : 'a rack type that is defined below racks:',
    hint: nearest
      ? `did you mean "${nearest}"?`
      : `define it at the top level: racks: { ${name}: { nodes: 2 } }`,
  })
  return null
}
