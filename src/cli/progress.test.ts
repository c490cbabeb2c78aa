import { expect, test } from 'vitest'
import { createProgress, type ProgressStream } from './progress.ts'

function recorder(terminal: boolean): ProgressStream & { text: string } {
  return {
    isTTY: terminal,
    columns: 24,
    text: '',
    write(text: string) {
      this.text += text
    },
  }
}

test('keeps one line on a terminal, cut to its width, and erases it at the end', async () => {
  const stream = recorder(true)
  let time = 0
  const progress = createProgress(stream, () => time)

  const result = await progress.during('rendering', ({ detail }) => {
    time += 100
    detail('dc1-compute1-leaf1, dc1-compute1-leaf2')
    return 7
  })

  expect(result).toBe(7)
  expect(stream.text).toBe('\r\u001b[Krendering …\r\u001b[Krendering: dc1-compute1\r\u001b[K')
})

test('does not rewrite the line more often than anybody can read', async () => {
  const stream = recorder(true)
  let time = 0

  await createProgress(stream, () => time).during('work', ({ detail }) => {
    for (let i = 0; i < 100; i++) {
      time += 1
      detail(`${i}`)
    }
  })

  expect(stream.text.split('\r\u001b[K')).toEqual(['', 'work …', 'work: 79', ''])
})

test('says nothing in a log about a quick step and one line about a slow one', async () => {
  const stream = recorder(false)
  let time = 0
  const progress = createProgress(stream, () => time)

  await progress.during('reading', () => (time += 200))
  await progress.during('planning', () => (time += 3210))

  expect(stream.text).toBe('planning: 3.2 s\n')
})

test('erases the line when the step fails, and passes the failure on', async () => {
  const stream = recorder(true)

  const failing = createProgress(stream, () => 0).during('planning', () =>
    Promise.reject(new Error('no room')),
  )

  await expect(failing).rejects.toThrow('no room')
  expect(stream.text.endsWith('\r\u001b[K')).toBe(true)
})
