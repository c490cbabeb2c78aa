export interface Column<Row> {
  header: string
  value: (row: Row) => string | number | null
  /** Numbers read best aligned to the right; text to the left, which is the default. */
  align?: 'left' | 'right'
}

/** Lays rows out in columns; the text is plain, and the last column is not padded. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => cellText(column.value(row))))
  const widths = columns.map((column, i) =>
    cells.reduce((width, row) => Math.max(width, row[i]!.length), column.header.length),
  )
  const layOut = (row: readonly string[]) =>
    row
      .map((cell, i) => (columns[i]!.align === 'right' ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return [columns.map((column) => column.header), ...cells].map(layOut).join('\n')
}

function cellText(value: string | number | null): string {
  if (value === null || value === '') return '-'
  return typeof value === 'number' ? value.toLocaleString('en-US') : value
}
