import { expect, test } from 'vitest'
import { formatTable } from './table.ts'

test('pads columns to their widest cell, numbers to the right, without trailing blanks', () => {
  const rows = [
    { name: 'dc1-nodes', used: 12, note: 'full' },
    { name: 'pods', used: 16_384, note: null },
  ]

  const text = formatTable(rows, [
    { header: 'RESOURCE', value: (row) => row.name },
    { header: 'USED', value: (row) => row.used, align: 'right' },
    { header: 'NOTE', value: (row) => row.note },
  ])

  expect(text).toMatchInlineSnapshot(`
    "RESOURCE     USED  NOTE
    dc1-nodes      12  full
    pods       16,384  -"
  `)
})

test('leaves optional columns out, the last first, where the terminal is too narrow', () => {
  const columns = [
    { header: 'NAME', value: () => 'dc1-compute1-leaf1' },
    { header: 'TYPE', value: () => 'ebgp', isOptional: true as const },
    { header: 'TIMERS', value: () => '3/9 s', isOptional: true as const },
    { header: 'BFD', value: () => 'yes' },
  ]
  const headersAt = (width: number) => formatTable([{}], columns, width).split('\n')[0]?.split(/ +/)

  expect(headersAt(80)).toEqual(['NAME', 'TYPE', 'TIMERS', 'BFD'])
  expect(headersAt(30)).toEqual(['NAME', 'TYPE', 'BFD'])
  expect(headersAt(10)).toEqual(['NAME', 'BFD'])
})
