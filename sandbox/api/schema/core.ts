// Metadata and the core/v1 types except the pod's: protobuf number, name and type of each field, as in generated.proto
// of k8s.io/api 1.32, and the strategic merge patch's marks from its comments. schema.ts describes the notation.

export const coreTypes = `
ObjectMeta: 1 name string, 2 generateName string, 3 namespace string, 4 selfLink string, 5 uid string,
  6 resourceVersion string, 7 generation int, 8 creationTimestamp Time, 9 deletionTimestamp Time,
  10 deletionGracePeriodSeconds int, 11 labels {}string, 12 annotations {}string,
  13 ownerReferences []OwnerReference key=uid, 14 finalizers []string merge, 17 managedFields []json
ObjectOfAnyKind: 1 metadata ObjectMeta
LabelSelector: 1 matchLabels {}string, 2 matchExpressions []LabelSelectorRequirement
Condition: 1 type string, 2 status string, 3 observedGeneration int, 4 lastTransitionTime Time,
  5 reason string, 6 message string
OwnerReference: 5 apiVersion string, 1 kind string, 3 name string, 4 uid string, 6 controller bool,
  7 blockOwnerDeletion bool
LabelSelectorRequirement: 1 key string, 2 operator string, 3 values []string
Namespace: 1 metadata ObjectMeta, 2 spec NamespaceSpec, 3 status NamespaceStatus
Node: 1 metadata ObjectMeta, 2 spec NodeSpec, 3 status NodeStatus
Service: 1 metadata ObjectMeta, 2 spec ServiceSpec, 3 status ServiceStatus
Event: 1 metadata ObjectMeta, 2 involvedObject ObjectReference, 3 reason string, 4 message string,
  5 source EventSource, 6 firstTimestamp Time, 7 lastTimestamp Time, 8 count int, 9 type string,
  10 eventTime MicroTime, 11 series EventSeries, 12 action string, 13 related ObjectReference,
  14 reportingComponent string, 15 reportingInstance string
ConfigMap: 1 metadata ObjectMeta, 4 immutable bool, 2 data {}string, 3 binaryData {}bytes
Secret: 1 metadata ObjectMeta, 5 immutable bool, 2 data {}bytes, 4 stringData {}string, 3 type string
ServiceAccount: 1 metadata ObjectMeta, 2 secrets []ObjectReference key=name,
  3 imagePullSecrets []LocalObjectReference, 4 automountServiceAccountToken bool
NamespaceSpec: 1 finalizers []string
NamespaceStatus: 1 phase string, 2 conditions []NamespaceCondition key=type
NodeSpec: 1 podCIDR string, 7 podCIDRs []string merge, 3 providerID string, 4 unschedulable bool,
  5 taints []Taint
NodeStatus: 1 capacity {}Quantity, 2 allocatable {}Quantity, 3 phase string,
  4 conditions []NodeCondition key=type, 5 addresses []NodeAddress key=type,
  6 daemonEndpoints NodeDaemonEndpoints, 7 nodeInfo NodeSystemInfo, 8 images []ContainerImage,
  9 volumesInUse []string
ServiceSpec: 1 ports []ServicePort key=port, 2 selector {}string, 3 clusterIP string,
  18 clusterIPs []string, 4 type string, 5 externalIPs []string, 7 sessionAffinity string,
  8 loadBalancerIP string, 9 loadBalancerSourceRanges []string, 10 externalName string,
  11 externalTrafficPolicy string, 12 healthCheckNodePort int, 13 publishNotReadyAddresses bool,
  14 sessionAffinityConfig SessionAffinityConfig, 19 ipFamilies []string, 17 ipFamilyPolicy string,
  20 allocateLoadBalancerNodePorts bool, 21 loadBalancerClass string, 22 internalTrafficPolicy string,
  23 trafficDistribution string
ServiceStatus: 1 loadBalancer LoadBalancerStatus, 2 conditions []Condition key=type
ObjectReference: 1 kind string, 2 namespace string, 3 name string, 4 uid string, 5 apiVersion string,
  6 resourceVersion string, 7 fieldPath string
EventSource: 1 component string, 2 host string
EventSeries: 1 count int, 2 lastObservedTime MicroTime
LocalObjectReference: 1 name string
NamespaceCondition: 1 type string, 2 status string, 4 lastTransitionTime Time, 5 reason string,
  6 message string
Taint: 1 key string, 2 value string, 3 effect string, 4 timeAdded Time
NodeCondition: 1 type string, 2 status string, 3 lastHeartbeatTime Time, 4 lastTransitionTime Time,
  5 reason string, 6 message string
NodeAddress: 1 type string, 2 address string
NodeDaemonEndpoints: 1 kubeletEndpoint DaemonEndpoint
NodeSystemInfo: 1 machineID string, 2 systemUUID string, 3 bootID string, 4 kernelVersion string,
  5 osImage string, 6 containerRuntimeVersion string, 7 kubeletVersion string, 8 kubeProxyVersion string,
  9 operatingSystem string, 10 architecture string
ContainerImage: 1 names []string, 2 sizeBytes int
ServicePort: 1 name string, 2 protocol string, 6 appProtocol string, 3 port int, 4 targetPort IntOrString,
  5 nodePort int
SessionAffinityConfig: 1 clientIP ClientIPConfig
LoadBalancerStatus: 1 ingress []LoadBalancerIngress
DaemonEndpoint: 1 Port int
ClientIPConfig: 1 timeoutSeconds int
LoadBalancerIngress: 1 ip string, 2 hostname string, 3 ipMode string, 4 ports []PortStatus
PortStatus: 1 port int, 2 protocol string, 3 error string
`;
