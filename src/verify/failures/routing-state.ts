/**
 * What every router holds about one prefix, as arrays over edges and devices, and the journal that undoes a failure.
 *
 * Without a journal open, writes are the world without failures: they are noted so that the next prefix finds everything
 * empty again. With one, the first write to an edge or device since it was opened keeps what was there.
 */
import type { CompactNetwork } from '../symmetry/compact-network.ts'

/** What is different from the plan at work. */
export interface Change {
  sessions: readonly number[]
  devices: readonly number[]
  /** Devices that originate the prefix only in one of the two worlds: now they do, or do not. */
  origins?: readonly { device: number; isActive: boolean }[]
  /** Edges whose sender makes a default route only in one of the two worlds. */
  injections?: readonly { edge: number; isActive: boolean }[]
}

interface Journal {
  change: Change
  edges: number[]
  ranks: number[]
  marks: number[]
  paths: number[]
  doubts: number[]
  devices: number[]
  bests: number[]
  announced: number[]
  announcedPaths: number[]
}

export class RoutingState {
  /** By edge: how good the route is that the receiver holds; 0 none. Equal ranks are equal-cost. */
  readonly rank: Float64Array
  readonly routeMarks: Int32Array
  readonly routePath: Int32Array
  /** By edge: how good a route would be that was refused because it depends on the age of paths; 0 none. */
  readonly doubtRank: Float64Array
  readonly isInjected: Uint8Array
  readonly isDeadEdge: Uint8Array
  /** By device: rank of its best routes; 0 none. */
  readonly bestRank: Float64Array
  /** What it tells its neighbours; -1 nothing. */
  readonly announcedMarks: Int32Array
  readonly announcedPath: Int32Array
  /** Marks of what it originates; -1 when it does not. */
  readonly ownMarks: Int32Array
  readonly isDeadDevice: Uint8Array
  readonly #journalMark: Int32Array
  #journal: Journal | null = null
  #epoch = 0
  #usedEdges: number[] = []
  #usedDevices: number[] = []

  constructor({ from, devices }: CompactNetwork) {
    this.rank = new Float64Array(from.length)
    this.routeMarks = new Int32Array(from.length)
    this.routePath = new Int32Array(from.length)
    this.doubtRank = new Float64Array(from.length)
    this.isInjected = new Uint8Array(from.length)
    this.isDeadEdge = new Uint8Array(from.length)
    this.bestRank = new Float64Array(devices.length)
    this.announcedMarks = new Int32Array(devices.length).fill(-1)
    this.announcedPath = new Int32Array(devices.length)
    this.ownMarks = new Int32Array(devices.length).fill(-1)
    this.isDeadDevice = new Uint8Array(devices.length)
    this.#journalMark = new Int32Array(from.length + devices.length)
  }

  /** Forgets the prefix. */
  clear(): void {
    for (const edge of this.#usedEdges) {
      this.rank[edge] = 0
      this.doubtRank[edge] = 0
      this.isInjected[edge] = 0
    }
    for (const device of this.#usedDevices) {
      this.bestRank[device] = 0
      this.announcedMarks[device] = -1
      this.announcedPath[device] = 0
      this.ownMarks[device] = -1
    }
    this.#usedEdges = []
    this.#usedDevices = []
  }

  /** Opens the journal, and marks what is dead. */
  begin(change: Change): void {
    this.#epoch++
    this.#journal = {
      change,
      edges: [],
      ranks: [],
      marks: [],
      paths: [],
      doubts: [],
      devices: [],
      bests: [],
      announced: [],
      announcedPaths: [],
    }
    this.#setDead(change, 1)
  }

  /** Puts everything back to where the journal was opened. */
  undo(): void {
    const journal = this.#journal!
    this.#journal = null
    for (const [index, edge] of journal.edges.entries()) {
      this.rank[edge] = journal.ranks[index]!
      this.routeMarks[edge] = journal.marks[index]!
      this.routePath[edge] = journal.paths[index]!
      this.doubtRank[edge] = journal.doubts[index]!
    }
    for (const [index, device] of journal.devices.entries()) {
      this.bestRank[device] = journal.bests[index]!
      this.announcedMarks[device] = journal.announced[index]!
      this.announcedPath[device] = journal.announcedPaths[index]!
    }
    this.#setDead(journal.change, 0)
    for (const { edge, isActive } of journal.change.injections ?? []) this.isInjected[edge] = isActive ? 0 : 1
  }

  /** To be called before an edge is written to. */
  noteEdge(edge: number): void {
    const journal = this.#journal
    if (journal === null) {
      this.#usedEdges.push(edge)
      return
    }
    if (this.#journalMark[edge] === this.#epoch) return
    this.#journalMark[edge] = this.#epoch
    journal.edges.push(edge)
    journal.ranks.push(this.rank[edge]!)
    journal.marks.push(this.routeMarks[edge]!)
    journal.paths.push(this.routePath[edge]!)
    journal.doubts.push(this.doubtRank[edge]!)
  }

  /** To be called before a device is written to. */
  noteDevice(device: number): void {
    const journal = this.#journal
    if (journal === null) {
      this.#usedDevices.push(device)
      return
    }
    const at = this.rank.length + device
    if (this.#journalMark[at] === this.#epoch) return
    this.#journalMark[at] = this.#epoch
    journal.devices.push(device)
    journal.bests.push(this.bestRank[device]!)
    journal.announced.push(this.announcedMarks[device]!)
    journal.announcedPaths.push(this.announcedPath[device]!)
  }

  #setDead({ devices, sessions }: Change, value: 0 | 1): void {
    for (const device of devices) this.isDeadDevice[device] = value
    for (const session of sessions) {
      this.isDeadEdge[2 * session] = value
      this.isDeadEdge[2 * session + 1] = value
    }
  }
}
