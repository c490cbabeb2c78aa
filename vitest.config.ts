import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts'],
          isolate: false,
          pool: 'threads',
          sequence: { groupOrder: 0 },
          // Some start the command line many times, on machines that may be busy.
          testTimeout: 30_000,
        },
      },
      {
        // Real namespaces and daemons: after the unit tests and one file at a time, so that measured times mean something.
        test: {
          name: 'lab',
          include: ['test/**/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
