/**
 * Which resource a URL means: `/api/v1/namespaces/shop/pods/web-1/status` and its relatives.
 */
export interface ResourceTarget {
  group: string
  version: string
  namespace?: string
  plural: string
  name?: string
  subresource?: string
}

/** The resource behind a path, or undefined when the path is not that of a resource. */
export function parseResourcePath(path: string): ResourceTarget | undefined {
  const parts = path.split('/').filter((part) => part !== '')
  const decoded = parts.map(decodePart)
  if (decoded.includes(undefined)) return undefined
  const [root, ...rest] = decoded as string[]
  if (root === 'api' && rest.length >= 2) return locate('', rest[0]!, rest.slice(1))
  if (root === 'apis' && rest.length >= 3) return locate(rest[0]!, rest[1]!, rest.slice(2))
  return undefined
}

function locate(group: string, version: string, rest: readonly string[]): ResourceTarget | undefined {
  const [first, second, third] = rest
  if (first === undefined) return undefined
  // "namespaces/x" is the namespace itself, and so are its own subresources; anything longer lies in it.
  const isNamespaceItself = third === undefined || third === 'status' || third === 'finalize'
  if (first === 'namespaces' && second !== undefined && !isNamespaceItself) {
    return { ...place(group, version, rest.slice(2)), namespace: second }
  }
  return rest.length > 3 ? undefined : place(group, version, rest)
}

function place(group: string, version: string, rest: readonly string[]): ResourceTarget {
  const [plural = '', name, subresource] = rest
  return {
    group,
    version,
    plural,
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  }
}

function decodePart(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
