import { get } from 'node:http'

const timeoutMs = 1_000

/** Does the pod answer over the network, as its clients would see it? */
function probePod(address: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const request = get(
    { host: address, port, path: '/healthz', agent: false, timeout: timeoutMs },
    (response) => {
      response.resume()
      const status = response.statusCode ?? 0
      resolve(status >= 200 && status < 400)
    },
  )
  request.on('timeout', () => request.destroy())
  request.on('error', () => resolve(false))
  request.on('close', () => resolve(false))
  return promise
}

/** Probes until stopped; reports the first result and each change. Two failures in a row make a pod unready. */
export function watchReadiness(
  address: string,
  port: number,
  onChange: (isAnswering: boolean) => void,
  onProbe: () => Promise<void>,
): { stop: () => void } {
  let isAnswering: boolean | null = null
  let failures = 0
  let isStopped = false
  // Quick while the pod starts, because everybody waits for it; then once a second, as a kubelet would.
  let pauseMs = 40
  let timer: NodeJS.Timeout | undefined

  async function tick(): Promise<void> {
    const isAlive = await probePod(address, port)
    await onProbe()
    if (isStopped) return
    failures = isAlive ? 0 : failures + 1
    const next = isAlive || (isAnswering === true && failures < 2)
    if (next !== isAnswering) {
      isAnswering = next
      onChange(next)
    }
    pauseMs = isAnswering ? 1_000 : Math.min(pauseMs * 1.5, 1_000)
    schedule()
  }

  function schedule(): void {
    timer = setTimeout(() => {
      tick().catch(() => schedule())
    }, pauseMs)
  }

  schedule()
  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
