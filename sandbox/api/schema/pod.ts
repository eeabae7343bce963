// The pod and everything in it, written as in core.ts. Volume sources that no sandbox can mount are left out, so a
// strict client is told of them as unknown fields.

export const podTypes = `
Pod: 1 metadata ObjectMeta, 2 spec PodSpec, 3 status PodStatus
PodTemplateSpec: 1 metadata ObjectMeta, 2 spec PodSpec
PodSpec: 1 volumes []Volume key=name retainKeys, 20 initContainers []Container key=name,
  2 containers []Container key=name, 3 restartPolicy string, 4 terminationGracePeriodSeconds int,
  5 activeDeadlineSeconds int, 6 dnsPolicy string, 7 nodeSelector {}string, 8 serviceAccountName string,
  9 serviceAccount string, 21 automountServiceAccountToken bool, 10 nodeName string, 11 hostNetwork bool,
  12 hostPID bool, 13 hostIPC bool, 27 shareProcessNamespace bool, 14 securityContext PodSecurityContext,
  15 imagePullSecrets []LocalObjectReference key=name, 16 hostname string, 17 subdomain string,
  18 affinity Affinity, 19 schedulerName string, 22 tolerations []Toleration,
  23 hostAliases []HostAlias key=ip, 24 priorityClassName string, 25 priority int,
  26 dnsConfig PodDNSConfig, 28 readinessGates []PodReadinessGate, 29 runtimeClassName string,
  30 enableServiceLinks bool, 31 preemptionPolicy string, 32 overhead {}Quantity,
  34 ephemeralContainers []EphemeralContainer key=name,
  33 topologySpreadConstraints []TopologySpreadConstraint key=topologyKey, 35 setHostnameAsFQDN bool,
  37 hostUsers bool, 38 schedulingGates []PodSchedulingGate key=name, 40 resources ResourceRequirements
PodStatus: 1 phase string, 2 conditions []PodCondition key=type, 3 message string, 4 reason string,
  11 nominatedNodeName string, 5 hostIP string, 16 hostIPs []HostIP key=ip, 6 podIP string,
  12 podIPs []PodIP key=ip, 7 startTime Time, 10 initContainerStatuses []ContainerStatus,
  8 containerStatuses []ContainerStatus, 9 qosClass string, 13 ephemeralContainerStatuses []ContainerStatus,
  14 resize string
Volume: 1 name string, 2 volumeSource ...VolumeSource
Container: 1 name string, 2 image string, 3 command []string, 4 args []string, 5 workingDir string,
  6 ports []ContainerPort key=containerPort, 19 envFrom []EnvFromSource, 7 env []EnvVar key=name,
  8 resources ResourceRequirements, 24 restartPolicy string, 9 volumeMounts []VolumeMount key=mountPath,
  10 livenessProbe Probe, 11 readinessProbe Probe, 22 startupProbe Probe, 12 lifecycle Lifecycle,
  13 terminationMessagePath string, 20 terminationMessagePolicy string, 14 imagePullPolicy string,
  15 securityContext SecurityContext, 16 stdin bool, 17 stdinOnce bool, 18 tty bool
EphemeralContainer: 1 ephemeralContainerCommon ...Container, 2 targetContainerName string
PodSecurityContext: 1 seLinuxOptions SELinuxOptions, 2 runAsUser int, 6 runAsGroup int, 3 runAsNonRoot bool,
  4 supplementalGroups []int, 12 supplementalGroupsPolicy string, 5 fsGroup int, 7 sysctls []Sysctl,
  9 fsGroupChangePolicy string, 10 seccompProfile SeccompProfile, 11 appArmorProfile AppArmorProfile,
  13 seLinuxChangePolicy string
Affinity: 1 nodeAffinity NodeAffinity, 2 podAffinity PodAffinity, 3 podAntiAffinity PodAntiAffinity
Toleration: 1 key string, 2 operator string, 3 value string, 4 effect string, 5 tolerationSeconds int
HostAlias: 1 ip string, 2 hostnames []string
PodDNSConfig: 1 nameservers []string, 2 searches []string, 3 options []PodDNSConfigOption
PodReadinessGate: 1 conditionType string
TopologySpreadConstraint: 1 maxSkew int, 2 topologyKey string, 3 whenUnsatisfiable string,
  4 labelSelector LabelSelector, 5 minDomains int, 6 nodeAffinityPolicy string, 7 nodeTaintsPolicy string,
  8 matchLabelKeys []string
PodSchedulingGate: 1 name string
ResourceRequirements: 1 limits {}Quantity, 2 requests {}Quantity
PodCondition: 1 type string, 2 status string, 3 lastProbeTime Time, 4 lastTransitionTime Time,
  5 reason string, 6 message string
HostIP: 1 ip string
PodIP: 1 ip string
ContainerStatus: 1 name string, 2 state ContainerState, 3 lastState ContainerState, 4 ready bool,
  5 restartCount int, 6 image string, 7 imageID string, 8 containerID string, 9 started bool,
  10 allocatedResources {}Quantity, 11 resources ResourceRequirements
VolumeSource: 1 hostPath HostPathVolumeSource, 2 emptyDir EmptyDirVolumeSource, 6 secret SecretVolumeSource,
  16 downwardAPI DownwardAPIVolumeSource, 19 configMap ConfigMapVolumeSource,
  26 projected ProjectedVolumeSource
ContainerPort: 1 name string, 2 hostPort int, 3 containerPort int, 4 protocol string, 5 hostIP string
EnvFromSource: 1 prefix string, 2 configMapRef ConfigMapEnvSource, 3 secretRef SecretEnvSource
EnvVar: 1 name string, 2 value string, 3 valueFrom EnvVarSource
VolumeMount: 1 name string, 2 readOnly bool, 7 recursiveReadOnly string, 3 mountPath string,
  4 subPath string, 5 mountPropagation string, 6 subPathExpr string
Probe: 1 handler ...ProbeHandler, 2 initialDelaySeconds int, 3 timeoutSeconds int, 4 periodSeconds int,
  5 successThreshold int, 6 failureThreshold int, 7 terminationGracePeriodSeconds int
Lifecycle: 1 postStart LifecycleHandler, 2 preStop LifecycleHandler
SecurityContext: 1 capabilities Capabilities, 2 privileged bool, 3 seLinuxOptions SELinuxOptions,
  4 runAsUser int, 8 runAsGroup int, 5 runAsNonRoot bool, 6 readOnlyRootFilesystem bool,
  7 allowPrivilegeEscalation bool, 9 procMount string, 11 seccompProfile SeccompProfile,
  12 appArmorProfile AppArmorProfile
SELinuxOptions: 1 user string, 2 role string, 3 type string, 4 level string
Sysctl: 1 name string, 2 value string
SeccompProfile: 1 type string, 2 localhostProfile string
AppArmorProfile: 1 type string, 2 localhostProfile string
NodeAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution NodeSelector,
  2 preferredDuringSchedulingIgnoredDuringExecution []PreferredSchedulingTerm
PodAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm,
  2 preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm
PodAntiAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm,
  2 preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm
PodDNSConfigOption: 1 name string, 2 value string
ContainerState: 1 waiting ContainerStateWaiting, 2 running ContainerStateRunning,
  3 terminated ContainerStateTerminated
HostPathVolumeSource: 1 path string, 2 type string
EmptyDirVolumeSource: 1 medium string, 2 sizeLimit Quantity
SecretVolumeSource: 1 secretName string, 2 items []KeyToPath, 3 defaultMode int, 4 optional bool
DownwardAPIVolumeSource: 1 items []DownwardAPIVolumeFile, 2 defaultMode int
ConfigMapVolumeSource: 1 localObjectReference ...LocalObjectReference, 2 items []KeyToPath,
  3 defaultMode int, 4 optional bool
ProjectedVolumeSource: 1 sources []VolumeProjection, 2 defaultMode int
ConfigMapEnvSource: 1 localObjectReference ...LocalObjectReference, 2 optional bool
SecretEnvSource: 1 localObjectReference ...LocalObjectReference, 2 optional bool
EnvVarSource: 1 fieldRef ObjectFieldSelector, 2 resourceFieldRef ResourceFieldSelector,
  3 configMapKeyRef ConfigMapKeySelector, 4 secretKeyRef SecretKeySelector
ProbeHandler: 1 exec ExecAction, 2 httpGet HTTPGetAction, 3 tcpSocket TCPSocketAction, 4 grpc GRPCAction
LifecycleHandler: 1 exec ExecAction, 2 httpGet HTTPGetAction, 3 tcpSocket TCPSocketAction,
  4 sleep SleepAction
Capabilities: 1 add []string, 2 drop []string
NodeSelector: 1 nodeSelectorTerms []NodeSelectorTerm
PreferredSchedulingTerm: 1 weight int, 2 preference NodeSelectorTerm
PodAffinityTerm: 1 labelSelector LabelSelector, 2 namespaces []string, 3 topologyKey string,
  4 namespaceSelector LabelSelector, 5 matchLabelKeys []string, 6 mismatchLabelKeys []string
WeightedPodAffinityTerm: 1 weight int, 2 podAffinityTerm PodAffinityTerm
ContainerStateWaiting: 1 reason string, 2 message string
ContainerStateRunning: 1 startedAt Time
ContainerStateTerminated: 1 exitCode int, 2 signal int, 3 reason string, 4 message string, 5 startedAt Time,
  6 finishedAt Time, 7 containerID string
KeyToPath: 1 key string, 2 path string, 3 mode int
DownwardAPIVolumeFile: 1 path string, 2 fieldRef ObjectFieldSelector,
  3 resourceFieldRef ResourceFieldSelector, 4 mode int
VolumeProjection: 1 secret SecretProjection, 2 downwardAPI DownwardAPIProjection,
  3 configMap ConfigMapProjection, 4 serviceAccountToken ServiceAccountTokenProjection
ObjectFieldSelector: 1 apiVersion string, 2 fieldPath string
ResourceFieldSelector: 1 containerName string, 2 resource string, 3 divisor Quantity
ConfigMapKeySelector: 1 localObjectReference ...LocalObjectReference, 2 key string, 3 optional bool
SecretKeySelector: 1 localObjectReference ...LocalObjectReference, 2 key string, 3 optional bool
ExecAction: 1 command []string
HTTPGetAction: 1 path string, 2 port IntOrString, 3 host string, 4 scheme string, 5 httpHeaders []HTTPHeader
TCPSocketAction: 1 port IntOrString, 2 host string
GRPCAction: 1 port int, 2 service string
SleepAction: 1 seconds int
NodeSelectorTerm: 1 matchExpressions []NodeSelectorRequirement, 2 matchFields []NodeSelectorRequirement
SecretProjection: 1 localObjectReference ...LocalObjectReference, 2 items []KeyToPath, 4 optional bool
DownwardAPIProjection: 1 items []DownwardAPIVolumeFile
ConfigMapProjection: 1 localObjectReference ...LocalObjectReference, 2 items []KeyToPath, 4 optional bool
ServiceAccountTokenProjection: 1 audience string, 2 expirationSeconds int, 3 path string
HTTPHeader: 1 name string, 2 value string
NodeSelectorRequirement: 1 key string, 2 operator string, 3 values []string
`;
