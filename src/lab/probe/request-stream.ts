import type { ProbeHost } from './probe-host.ts'
import type { HttpAnswer, HttpRequest } from './protocol.ts'

/*
 * HTTP requests at a constant rate, each over a connection of its own, as many users would send them.
 *
 * The rate does not wait for answers: a service that hangs for a second fails all the requests of that second, which is
 * what its users see.
 */

export interface RequestReport {
  sent: number
  failed: number
  /** Reason of failure, and how often. */
  errors: Map<string, number>
  /** All answers, in the order of sending. */
  answers: HttpAnswer[]
}

export interface RequestStream {
  /** Ends it, and waits for the last answers. */
  stop(): Promise<RequestReport>
}

/** Starts a stream; it runs until stopped. */
export function startRequests(probe: ProbeHost, request: HttpRequest, perSecond: number): RequestStream {
  const pending: Promise<HttpAnswer>[] = []
  const send = () => {
    const answer = probe.httpRequest(request)
    // Read in `stop`; a probe that ends meanwhile must not end this process.
    answer.catch(() => {})
    pending.push(answer)
  }
  send()
  const timer = setInterval(send, 1000 / perSecond)
  return {
    stop: async () => {
      clearInterval(timer)
      return summarize(await Promise.all(pending))
    },
  }
}

/** Sends `count` requests one after the other. */
export async function sendRequests(
  probe: ProbeHost,
  request: HttpRequest,
  count: number,
): Promise<RequestReport> {
  const answers: HttpAnswer[] = []
  for (let sent = 0; sent < count; sent++) answers.push(await probe.httpRequest(request))
  return summarize(answers)
}

function summarize(answers: HttpAnswer[]): RequestReport {
  const failures = answers.filter((answer) => answer.status !== 200)
  const errors = new Map<string, number>()
  for (const { error, status } of failures) {
    const reason = error ?? `status ${status}`
    errors.set(reason, (errors.get(reason) ?? 0) + 1)
  }
  return { sent: answers.length, failed: failures.length, errors, answers }
}

/** How many answers each value of a field of the JSON body got, most first. */
export function countAnswers(report: RequestReport, field: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { status, body } of report.answers) {
    if (status !== 200) continue
    const value = String((JSON.parse(body) as Record<string, unknown>)[field])
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return new Map([...counts].sort(([, a], [, b]) => b - a))
}
