/**
 * A small HTTP client for the tests of this folder and of `test/kubernetes`.
 */
import type { AnyObject } from './api-server/objects.ts'

export interface Reply {
  code: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
}

export interface WatchStream {
  /** The next event; rejects when none comes in time or the stream ended. */
  next(): Promise<{ type: string; object: AnyObject & { code?: number } }>
  /** Reads on until the server ends the stream. */
  ended(): Promise<void>
  close(): void
}

/** Sends one request; a body that is no string goes as JSON. */
export async function send(
  url: string,
  method = 'GET',
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const payload = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...payload,
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return { code: response.status, body: isJson ? JSON.parse(text) : text }
}

/** Opens a watch and reads it line by line. */
export async function openWatch(url: string): Promise<WatchStream> {
  const abort = new AbortController()
  const response = await fetch(url, { signal: abort.signal })
  if (response.status !== 200) throw new Error(`watch answered ${response.status}: ${await response.text()}`)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let buffered = ''

  async function nextLine(): Promise<string | undefined> {
    while (!buffered.includes('\n')) {
      const { value, done } = await reader.read()
      if (done) return undefined
      buffered += value
    }
    const end = buffered.indexOf('\n')
    const line = buffered.slice(0, end)
    buffered = buffered.slice(end + 1)
    return line
  }

  return {
    async next() {
      const line = await within(nextLine(), 5_000)
      if (line === undefined) throw new Error('the watch ended')
      return JSON.parse(line)
    },
    async ended() {
      while ((await within(nextLine(), 5_000)) !== undefined);
    },
    close: () => abort.abort(),
  }
}

/** Asks again until the answer satisfies; for what controllers do on their own time. */
export async function until<T>(
  ask: () => Promise<T>,
  satisfies: (answer: T) => boolean,
  limitMs = 5_000,
): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const answer = await ask()
    if (satisfies(answer)) return answer
    if (performance.now() > deadline)
      throw new Error(`not within ${limitMs} ms; last: ${JSON.stringify(answer)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function within<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${limitMs} ms`)), limitMs)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
