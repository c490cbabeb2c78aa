import type { DrillRun, ScenarioResult } from './result.ts'

/**
 * A run as JUnit XML, which every CI system shows.
 *
 * A violated drill is a failure. An undecided one is skipped, with its reason: it did not fail, and it did not pass.
 */
export function formatJunit(run: DrillRun): string {
  const skipped = run.skipped ?? []
  const violated = run.scenarios.filter(({ verdict }) => verdict === 'violated').length
  const undecided = run.scenarios.filter(({ verdict }) => verdict === 'undecided').length
  const counts = `tests="${run.scenarios.length + skipped.length}" failures="${violated}" errors="0" skipped="${undecided + skipped.length}"`
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="weft drill" ${counts}>`,
    `  <testsuite name="${escapeXml(run.fabric)}" timestamp="${escapeXml(run.startedAt)}" ${counts}>`,
    ...run.scenarios.flatMap(testCase),
    ...skipped.flatMap(({ name, why }) => [
      `    <testcase classname="not in this fabric" name="${escapeXml(name)}">`,
      `      <skipped message="${escapeXml(why)}"/>`,
      '    </testcase>',
    ]),
    '  </testsuite>',
    '</testsuites>',
  ]
  return `${lines.join('\n')}\n`
}

function testCase(scenario: ScenarioResult): string[] {
  const { name, failureClass, repeats, expectations, verdict } = scenario
  const seconds = repeats.reduce(
    (sum, { measured }) => sum + ((measured?.toMs ?? 0) - (measured?.fromMs ?? 0)),
    0,
  )
  const head = `<testcase classname="${escapeXml(failureClass)}" name="${escapeXml(name)}" time="${(seconds / 1000).toFixed(3)}"`
  const reasons = (wanted: typeof verdict) =>
    expectations
      .filter((one) => one.verdict === wanted)
      .map(({ text, found, source }) => `${source === 'intent' ? 'intent: ' : ''}${text}: ${found}`)
  if (verdict === 'ok') return [`    ${head}/>`]
  const what = reasons(verdict)
  const message = escapeXml(what[0] ?? '')
  const body = escapeXml(what.join('\n'))
  return [
    `    ${head}>`,
    verdict === 'violated'
      ? `      <failure message="${message}">${body}</failure>`
      : `      <skipped message="undecided: ${message}"/>`,
    '    </testcase>',
  ]
}

function escapeXml(text: string): string {
  return (
    text
      // Control characters have no place in XML 1.0, escaped or not.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll('\n', '&#10;')
  )
}
