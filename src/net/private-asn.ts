/** AS numbers for private use (RFC 6996): what `remove-private-AS` takes off a path. */
export const privateAsnRanges = [
  { first: 64512, last: 65534 },
  { first: 4200000000, last: 4294967294 },
] as const

/** Is the AS number one for private use? */
export function isPrivateAsn(asn: number): boolean {
  return privateAsnRanges.some((range) => asn >= range.first && asn <= range.last)
}
