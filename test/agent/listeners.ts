import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { inNamespace } from '../../src/linux/namespace.ts'

/* TCP echo servers on all addresses of a namespace, as sshd and kubelet listen, and a client that stays connected. */

export interface OpenConnection {
  echo(text: string): Promise<string>
  close(): void
}

export interface Listeners {
  connectFrom(namespace: string, address: string, port: number): Promise<OpenConnection>
  stop(): Promise<void>
}

/** Listens on some ports; resolves when all of them are open. */
export async function startListeners(namespace: string, ports: readonly number[]): Promise<Listeners> {
  const script = `let open=0;for(const port of ${JSON.stringify(ports)})require('net').createServer((s)=>s.on('error',()=>{}).pipe(s)).listen(port,'::',()=>{if(++open===${ports.length})console.log('open')})`
  const server = spawnIn(namespace, script)
  await nextLine(server)
  return {
    async connectFrom(from, address, port) {
      const client = spawnIn(
        from,
        `const s=require('net').connect({host:'${address}',port:${port}},()=>{console.log('open');process.stdin.pipe(s);s.pipe(process.stdout)})`,
      )
      await nextLine(client)
      return {
        async echo(text) {
          client.stdin?.write(`${text}\n`)
          return await nextLine(client)
        },
        close: () => client.kill('SIGKILL'),
      }
    },
    async stop() {
      server.kill('SIGKILL')
      await once(server, 'exit')
    },
  }
}

function spawnIn(namespace: string, script: string): ChildProcess {
  const [command, ...args] = inNamespace(namespace, [process.execPath, '-e', script])
  return spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
}

async function nextLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no standard output')
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  lines.close()
  return line
}
