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
