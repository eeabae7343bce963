// The types of apps/v1, discovery.k8s.io/v1, networking.k8s.io/v1, coordination.k8s.io/v1, batch/v1, policy/v1 and
// apiextensions.k8s.io/v1, written as in core.ts.

export const groupTypes = `
Deployment: 1 metadata ObjectMeta, 2 spec DeploymentSpec, 3 status DeploymentStatus
ReplicaSet: 1 metadata ObjectMeta, 2 spec ReplicaSetSpec, 3 status ReplicaSetStatus
EndpointSlice: 1 metadata ObjectMeta, 4 addressType string, 2 endpoints []Endpoint, 3 ports []EndpointPort
Lease: 1 metadata ObjectMeta, 2 spec LeaseSpec
DeploymentSpec: 1 replicas int, 2 selector LabelSelector, 3 template PodTemplateSpec,
  4 strategy DeploymentStrategy retainKeys, 5 minReadySeconds int, 6 revisionHistoryLimit int,
  7 paused bool, 9 progressDeadlineSeconds int
DeploymentStatus: 1 observedGeneration int, 2 replicas int, 3 updatedReplicas int, 7 readyReplicas int,
  4 availableReplicas int, 5 unavailableReplicas int, 6 conditions []DeploymentCondition key=type,
  8 collisionCount int
ReplicaSetSpec: 1 replicas int, 4 minReadySeconds int, 2 selector LabelSelector, 3 template PodTemplateSpec
ReplicaSetStatus: 1 replicas int, 2 fullyLabeledReplicas int, 4 readyReplicas int, 5 availableReplicas int,
  3 observedGeneration int, 6 conditions []ReplicaSetCondition key=type
NetworkPolicy: 1 metadata ObjectMeta, 2 spec NetworkPolicySpec
NetworkPolicySpec: 1 podSelector LabelSelector, 2 ingress []NetworkPolicyIngressRule,
  3 egress []NetworkPolicyEgressRule, 4 policyTypes []string
NetworkPolicyIngressRule: 1 ports []NetworkPolicyPort, 2 from []NetworkPolicyPeer
NetworkPolicyEgressRule: 1 ports []NetworkPolicyPort, 2 to []NetworkPolicyPeer
NetworkPolicyPort: 1 protocol string, 2 port IntOrString, 3 endPort int
NetworkPolicyPeer: 1 podSelector LabelSelector, 2 namespaceSelector LabelSelector, 3 ipBlock IPBlock
IPBlock: 1 cidr string, 2 except []string
Endpoint: 1 addresses []string, 2 conditions EndpointConditions, 3 hostname string,
  4 targetRef ObjectReference, 5 deprecatedTopology {}string, 6 nodeName string, 7 zone string,
  8 hints EndpointHints
EndpointPort: 1 name string, 2 protocol string, 3 port int, 4 appProtocol string
LeaseSpec: 1 holderIdentity string, 2 leaseDurationSeconds int, 3 acquireTime MicroTime,
  4 renewTime MicroTime, 5 leaseTransitions int, 6 strategy string, 7 preferredHolder string
DeploymentStrategy: 1 type string, 2 rollingUpdate RollingUpdateDeployment
DeploymentCondition: 1 type string, 2 status string, 6 lastUpdateTime Time, 7 lastTransitionTime Time,
  4 reason string, 5 message string
ReplicaSetCondition: 1 type string, 2 status string, 3 lastTransitionTime Time, 4 reason string,
  5 message string
CustomResourceDefinition: 1 metadata ObjectMeta, 2 spec CustomResourceDefinitionSpec,
  3 status CustomResourceDefinitionStatus
CustomResourceDefinitionSpec: 1 group string, 3 names CustomResourceDefinitionNames, 4 scope string,
  7 versions []CustomResourceDefinitionVersion, 9 conversion json, 10 preserveUnknownFields bool
CustomResourceDefinitionNames: 1 plural string, 2 singular string, 3 shortNames []string, 4 kind string,
  5 listKind string, 6 categories []string
CustomResourceDefinitionVersion: 1 name string, 2 served bool, 3 storage bool, 4 schema CustomResourceValidation,
  5 subresources json, 6 additionalPrinterColumns []json, 7 deprecated bool, 8 deprecationWarning string,
  9 selectableFields []json
CustomResourceValidation: 1 openAPIV3Schema json
CustomResourceDefinitionStatus: 1 conditions []Condition, 2 acceptedNames CustomResourceDefinitionNames,
  3 storedVersions []string
StatefulSet: 1 metadata ObjectMeta, 2 spec StatefulSetSpec, 3 status StatefulSetStatus
StatefulSetSpec: 1 replicas int, 2 selector LabelSelector, 3 template PodTemplateSpec, 5 serviceName string,
  6 podManagementPolicy string, 7 updateStrategy StatefulSetUpdateStrategy, 8 revisionHistoryLimit int,
  9 minReadySeconds int, 11 ordinals StatefulSetOrdinals
StatefulSetUpdateStrategy: 1 type string, 2 rollingUpdate RollingUpdateStatefulSet
RollingUpdateStatefulSet: 1 partition int, 2 maxUnavailable IntOrString
StatefulSetOrdinals: 1 start int
StatefulSetStatus: 1 observedGeneration int, 2 replicas int, 3 readyReplicas int, 4 currentReplicas int,
  5 updatedReplicas int, 6 currentRevision string, 7 updateRevision string, 9 collisionCount int,
  10 conditions []ReplicaSetCondition key=type, 11 availableReplicas int
DaemonSet: 1 metadata ObjectMeta, 2 spec DaemonSetSpec, 3 status DaemonSetStatus
DaemonSetSpec: 1 selector LabelSelector, 2 template PodTemplateSpec, 3 updateStrategy DaemonSetUpdateStrategy,
  4 minReadySeconds int, 6 revisionHistoryLimit int
DaemonSetUpdateStrategy: 1 type string, 2 rollingUpdate RollingUpdateDeployment
DaemonSetStatus: 1 currentNumberScheduled int, 2 numberMisscheduled int, 3 desiredNumberScheduled int,
  4 numberReady int, 5 observedGeneration int, 6 updatedNumberScheduled int, 7 numberAvailable int,
  8 numberUnavailable int, 9 collisionCount int, 10 conditions []ReplicaSetCondition key=type
Job: 1 metadata ObjectMeta, 2 spec JobSpec, 3 status JobStatus
JobSpec: 1 parallelism int, 2 completions int, 3 activeDeadlineSeconds int, 4 selector LabelSelector,
  5 manualSelector bool, 6 template PodTemplateSpec, 7 backoffLimit int, 8 ttlSecondsAfterFinished int,
  9 completionMode string, 10 suspend bool, 14 podReplacementPolicy string
JobStatus: 1 conditions []JobCondition key=type, 2 startTime Time, 3 completionTime Time, 4 active int,
  5 succeeded int, 6 failed int, 7 completedIndexes string, 9 ready int, 11 terminating int
JobCondition: 1 type string, 2 status string, 3 lastProbeTime Time, 4 lastTransitionTime Time, 5 reason string,
  6 message string
PodDisruptionBudget: 1 metadata ObjectMeta, 2 spec PodDisruptionBudgetSpec, 3 status PodDisruptionBudgetStatus
PodDisruptionBudgetSpec: 1 minAvailable IntOrString, 2 selector LabelSelector, 3 maxUnavailable IntOrString,
  4 unhealthyPodEvictionPolicy string
PodDisruptionBudgetStatus: 1 observedGeneration int, 2 disruptedPods {}Time, 3 disruptionsAllowed int,
  4 currentHealthy int, 5 desiredHealthy int, 6 expectedPods int, 7 conditions []Condition key=type
EndpointConditions: 1 ready bool, 2 serving bool, 3 terminating bool
EndpointHints: 1 forZones []ForZone, 2 forNodes []ForNode
RollingUpdateDeployment: 1 maxUnavailable IntOrString, 2 maxSurge IntOrString
ForZone: 1 name string
ForNode: 1 name string
`;
