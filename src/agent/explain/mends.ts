import type { HoldCode, ReasonCode } from '../desired/decision.ts'

/*
 * What to do about each reason. `weft why`, Events and docs/reference/reasons.md say the same sentence; a test keeps
 * the page equal to this table.
 */

/** States of an announcement on its way to one neighbor, from the node outwards. */
export type DeliveryCode =
  | 'not-applied'
  | 'session-down'
  | 'not-sent'
  | 'refused-by-neighbor'
  | 'weight-missing'
  | 'weights-ignored'
  | 'sent'
  | 'accepted'

/** Why a subject has nothing to announce at all. */
export type SubjectCode = 'no-address' | 'unclaimed' | 'object-refused'

/** Why a node follows no decision now. */
export type NodeCode = 'agent-silent' | 'api-not-read' | 'bgpd-down'

export const reasonMends: Readonly<Record<ReasonCode, string>> = {
  'address-invalid': 'Correct the address in the field named; whatever wrote it is at fault.',
  'address-reserved':
    'Give the Service another address: this one is the node’s own, or one that the plan announces.',
  'outside-pools':
    'Take an address from a pool of this site, or add the pool to the intent and deploy leaves and nodes.',
  'external-name': 'Give the Service another type: an ExternalName has no address to announce.',
  headless: 'Remove clusterIP: None, or reach the pods directly: their addresses are routed.',
  'external-ips-not-allowed':
    'Make it a LoadBalancer Service; allowExternalIPs lets anyone who may write Services claim addresses.',
  'cluster-ips-not-announced':
    'Nothing, unless ClusterIPs are to be reached from outside: then set announceClusterIPs.',
  'not-a-load-balancer': 'Clear the old address in the status, or set the type back to LoadBalancer.',
  'other-load-balancer-class':
    'Nothing, when another controller is meant to announce it; else correct loadBalancerClass.',
  'not-selected':
    'Label the Service or its namespace so that the selectors of the agent’s configuration match.',
  'opted-out': 'Remove the annotation weft.dev/announce from the Service.',
  'annotation-invalid': 'Correct the annotation named; docs/reference/agent.md lists values.',
  'service-deleting': 'Nothing: the Service is being deleted. If that hangs, look at its finalizers.',
  'node-unknown':
    'Register the node, or correct "node" in the agent’s configuration: it must be the Node’s name.',
  'node-not-ready': 'Look at the kubelet of the node: kubectl describe node.',
  'node-network-unavailable':
    'Look at the network plugin: it has not cleared the condition NetworkUnavailable.',
  'node-excluded': 'Remove the label node.kubernetes.io/exclude-from-external-load-balancers from the node.',
  'no-endpoints': 'Check that the selector of the Service matches pods: kubectl get endpointslices.',
  'endpoints-outside-cluster': 'Point the endpoints at addresses inside the pod ranges, or use a selector.',
  'no-ready-endpoint': 'Look at the pods’ readiness: kubectl get pods, kubectl describe pod.',
  'no-endpoint-on-node':
    'Nothing, when pods run elsewhere; else schedule one here, or use externalTrafficPolicy: Cluster.',
  'no-ready-endpoint-on-node': 'Look at the readiness of the pods on this node.',
  'shared-address-conflict':
    'Give one of the Services another address, or the same traffic policy and other ports.',
  'node-drained': 'End the drain: weft undrain node.',
  'no-session':
    'Look at the sessions: weft agent status; a link or a leaf is down, or the configurations differ.',
  'dataplane-not-programmed':
    'Look at the service proxy of the node (kube-proxy or Cilium): it has not programmed this Service.',
  damped: 'Look at what flaps: kubectl get events; it is announced again once it has been quiet.',
}

export const holdMends: Readonly<Record<HoldCode, string>> = {
  'last-announcer':
    'Traffic still arrives here because no other node announces it: make an endpoint ready somewhere.',
  'withdrawal-share':
    'Too many addresses would vanish at once: see what made so many unhealthy before anything else.',
  damped: 'It changes too often: look at what flaps; it follows again once it has been quiet.',
}

export const deliveryMends: Readonly<Record<DeliveryCode, string>> = {
  'not-applied': 'See the agent’s own trouble: weft agent status, and its log.',
  'session-down': 'Look at the link and the neighbor: vtysh -c "show bgp neighbors".',
  'not-sent':
    'The export policy of the base configuration does not permit it: deploy node and leaf from one plan.',
  'refused-by-neighbor':
    'The neighbor’s import policy does not permit it: deploy node and leaf from one plan.',
  'weight-missing':
    'Give the address the same traffic policy and the same release of the agent on every node that announces it.',
  'weights-ignored':
    'Find the announcer that sends none, on that neighbor: show bgp lists every path with its weight (LB).',
  sent: 'Whether the neighbor took it is to be seen there: vtysh -c "show bgp ipv4 unicast PREFIX".',
  accepted: 'Nothing.',
}

export const subjectMends: Readonly<Record<SubjectCode, string>> = {
  'no-address': 'No controller has given the Service an address: look at the one for its loadBalancerClass.',
  unclaimed:
    'Name the Service instead, to see which addresses it has; perhaps its controller has given it another.',
  'object-refused': 'Correct the field named: the object cannot be understood as it is.',
}

export const nodeMends: Readonly<Record<NodeCode, string>> = {
  'agent-silent': 'Routes stay as they are meanwhile. Look at the agent: its Pod or service, and its log.',
  'api-not-read': 'Look at the way to the API server and at the permissions: weft agent status.',
  'bgpd-down': 'Start FRR on the node: systemctl status frr.',
}
