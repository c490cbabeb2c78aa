/**
 * Every code that reading weft.yaml can report, with its meaning in one line.
 *
 * Codes are stable: scripts match on them. docs/reference/errors.md explains each; a test keeps both lists equal.
 */
export const intentCodes = {
  WEFT_INTENT_SYNTAX: 'the file is not valid YAML',
  WEFT_INTENT_EMPTY: 'the file says nothing',
  WEFT_INTENT_DUPLICATE_KEY: 'a key is written twice in the same map',
  WEFT_INTENT_UNKNOWN_KEY: 'a key is not part of the format',
  WEFT_INTENT_MISSING_KEY: 'a key that has no default is missing',
  WEFT_INTENT_TYPE: 'a value is of the wrong kind',
  WEFT_INTENT_RANGE: 'a number or a list is outside its limits',
  WEFT_INTENT_CHOICE: 'a value is not one of the words allowed',
  WEFT_INTENT_FORMAT: 'a text does not have the form expected',
  WEFT_INTENT_NAME_INVALID: 'a name has characters or a length that device names cannot have',
  WEFT_INTENT_NAME_RESERVED: 'a name is a word with a meaning of its own',
  WEFT_INTENT_NAME_DUPLICATE: 'two elements would have the same name',
  WEFT_INTENT_PREFIX_INVALID: 'a text is not an address prefix',
  WEFT_INTENT_PREFIX_UNUSABLE: 'a prefix is reserved and cannot be routed here',
  WEFT_INTENT_PREFIX_OVERLAP: 'two segments share addresses',
  WEFT_INTENT_ADDRESS_INVALID: 'a text is not one IP address of the family wanted',
  WEFT_INTENT_FAMILIES: 'a segment does not have one IPv4 and at most one IPv6 prefix',
  WEFT_INTENT_DUAL_STACK_PARTIAL: 'some segments of a site have IPv6 and others have none',
  WEFT_INTENT_PER_NODE: 'the prefix length per node does not fit the pod pool',
  WEFT_INTENT_LINK_TOO_SMALL: 'the prefix of a peer has no room for every edge router',
  WEFT_INTENT_ASN_INVALID: 'an AS number is reserved or out of range',
  WEFT_INTENT_ASN_RANGE: 'an AS range is reversed or malformed',
  WEFT_INTENT_ASN_PUBLIC: 'the AS range for devices is not a private one',
  WEFT_INTENT_ASN_CONFLICT: 'an AS number of a peer is also one of ours',
  WEFT_INTENT_TIMERS: 'the BGP timers contradict each other',
  WEFT_INTENT_BFD: 'a BFD profile is malformed or outside what FRR accepts',
  WEFT_INTENT_FRR_UNSUPPORTED: 'the FRR release is not one that Weft writes configuration for',
  WEFT_INTENT_REFERENCE: 'a name refers to something that is not in the file',
  WEFT_INTENT_SELECTOR_EMPTY: 'an override selects nothing',
  WEFT_INTENT_ENDPOINT: 'an expectation speaks of something that does not exist',
  WEFT_INTENT_EXPECT_KIND: 'an expectation says none, or several, of reach, isolate and survive',
  WEFT_INTENT_SPINES: 'a fabric without spines has more than one rack needs to be joined',
  WEFT_INTENT_DCI_ALONE: 'a site has DCI routers but no other site to reach',
  WEFT_INTENT_SITE_UNREACHABLE: 'a site has no way to the other sites',
  WEFT_INTENT_EDGE_MISSING: 'a peer attaches to a site without edge routers',
  WEFT_INTENT_UPLINKS: 'a node has fewer uplinks than its rack has leaves',
  WEFT_INTENT_CLUSTER_SITE: 'two clusters claim the same site',
  WEFT_INTENT_CONTROL_PLANE: 'the control plane wants nodes that the site does not have',
  WEFT_INTENT_PASSWORD_ENV: 'the environment variable with a password is not set',
  WEFT_INTENT_TOO_LARGE: 'a site has more nodes than Weft plans for',
} as const satisfies Record<`WEFT_INTENT_${string}`, string>

export type IntentCode = keyof typeof intentCodes
