/*
 * The entry point of `weft`. Everything else is imported after the compile cache is on, which halves the time a
 * command needs to start. The cache lies in the clone, so that nobody else can write into it; where that cannot be
 * written to there is none.
 */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/weft', import.meta.url)))
await import('./command-line.ts')
