/*
 * Node's cache of compiled modules, shared by all runtimes and pods of this machine. With it a runtime starts in a
 * third of the time and two thirds of the memory, since the compiler that strips types is not even loaded: 0.11 s and
 * 63 MB instead of 0.32 s and 101 MB; a pod in 0.09 s instead of 0.13 s.
 *
 * It lies where only root writes: whoever can write it decides what runs.
 */

const compileCacheDirectory = '/run/weft/compile-cache'

/** An environment for starting Node programs of Weft quickly; a cache that was chosen elsewhere stays. */
export function withCompileCache(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { NODE_COMPILE_CACHE: compileCacheDirectory, ...environment }
}
