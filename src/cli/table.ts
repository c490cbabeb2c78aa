export interface Column<Row> {
  header: string
  value: (row: Row) => string | number | null
  /** Numbers read best aligned to the right; text to the left, which is the default. */
  align?: 'left' | 'right'
  /** Left out where the terminal is too narrow for all columns; the last one so marked goes first. */
  isOptional?: true
}

/** Columns of the terminal that stdout is; a file or a pipe takes lines of any length. */
function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY
}

/** Lays rows out in columns; the text is plain, and the last column is not padded. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width = terminalWidth(),
): string {
  const all = columns.map((column) => {
    const cells = rows.map((row) => cellText(column.value(row)))
    const widest = cells.reduce((most, cell) => Math.max(most, cell.length), column.header.length)
    return { ...column, cells, widest }
  })
  const shown = fitColumns(all, width)
  const layOut = (cellOf: (column: (typeof all)[number]) => string) =>
    shown
      .map((column) =>
        column.align === 'right'
          ? cellOf(column).padStart(column.widest)
          : cellOf(column).padEnd(column.widest),
      )
      .join('  ')
      .trimEnd()
  return [layOut(({ header }) => header), ...rows.map((_, i) => layOut(({ cells }) => cells[i]!))].join('\n')
}

function fitColumns<C extends { widest: number; isOptional?: true }>(
  columns: readonly C[],
  width: number,
): C[] {
  const shown = [...columns]
  while (shown.reduce((sum, column) => sum + column.widest + 2, -2) > width) {
    const index = shown.findLastIndex((column) => column.isOptional)
    if (index === -1) break
    shown.splice(index, 1)
  }
  return shown
}

function cellText(value: string | number | null): string {
  if (value === null || value === '') return '-'
  return typeof value === 'number' ? value.toLocaleString('en-US') : value
}
