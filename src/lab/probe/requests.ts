import type { ProbeHost } from './probe-host.ts'
import type { HttpAnswer, HttpRequest } from './protocol.ts'

export interface RequestReport {
  sent: number
  failed: number
  /** All answers, in the order of sending. */
  answers: HttpAnswer[]
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
  return { sent: answers.length, failed: answers.filter(({ status }) => status !== 200).length, answers }
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
