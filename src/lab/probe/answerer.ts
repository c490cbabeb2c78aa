/** Name of the host in an answer: pods say it in JSON, probes in plain text. */
export function readAnswerer(text: string): string {
  if (!text.startsWith('{')) return text.trim()
  // A capture may have cut the rest off, so this is not parsed as a whole.
  return /"node":"([^"]*)"/.exec(text)?.[1] ?? ''
}
