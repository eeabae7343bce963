{{- define "weft.image" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- define "weft.labels" -}}
app.kubernetes.io/name: weft
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Services are not there yet, so the API server is given by value. */}}
{{- define "weft.apiServer" -}}
- { name: KUBERNETES_SERVICE_HOST, value: {{ .Values.apiServer.host | quote }} }
- { name: KUBERNETES_SERVICE_PORT, value: {{ .Values.apiServer.port | quote }} }
{{- end }}

{{- define "weft.host" -}}
{{- if contains ":" . }}[{{ . }}]{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* The remotes of a database at its members: (list $ 6641). */}}
{{- define "weft.remotes" -}}
{{- $port := last . }}{{ range $index, $node := (first .).Values.central.nodes }}{{ if $index }},{{ end }}ssl:{{ include "weft.host" $node.address }}:{{ $port }}{{ end }}
{{- end }}

{{- define "weft.northbound" -}}
{{- if eq .Values.mode "underlay" }}{{ join "," .Values.cloud.northbound }}{{ else }}{{ include "weft.remotes" (list . 6641) }}{{ end }}
{{- end }}

{{- define "weft.southbound" -}}
{{- if eq .Values.mode "underlay" }}{{ join "," .Values.cloud.southbound }}{{ else }}{{ include "weft.remotes" (list . 6642) }}{{ end }}
{{- end }}

{{/* Not empty if the databases are on several nodes. */}}
{{- define "weft.several" -}}
{{- if gt (len .Values.central.nodes) 1 }}several{{ end }}
{{- end }}

{{/* Where a member is, and where all are. */}}
{{- define "weft.members" -}}
- { name: NODE_NAME, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
- { name: MEMBERS, value: "{{ range $index, $node := .Values.central.nodes }}{{ if $index }},{{ end }}{{ $node.name }}={{ $node.address }}{{ end }}" }
{{- if .Values.central.clustered }}
- { name: CLUSTERED, value: "true" }
{{- end }}
{{- end }}

{{/*
The certificate of central, controller or node, and whom it trusts: (list $ "node"). A kubelet brings what changes into the
pod, and everybody there reads it again.
*/}}
{{- define "weft.tls" -}}
{{- $ := first . }}{{ $name := last . -}}
name: tls
{{- if eq $.Values.mode "underlay" }}
secret: { secretName: {{ $.Values.cloud.secret }}, defaultMode: 0400 }
{{- else if eq $.Values.tls.certificates "certManager" }}
{{- $trust := $.Values.tls.certManager.trust }}
projected:
  defaultMode: 0400
  sources:
    - secret: { name: weft-{{ $name }}-tls, items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }] }
    - configMap: { name: {{ $trust.central }}, items: [{ key: ca.crt, path: ca.crt }] }
    {{- if eq $name "central" }}
    - configMap: { name: {{ $trust.clients }}, items: [{ key: ca.crt, path: clients.crt }] }
    {{- end }}
{{- else }}
secret: { secretName: weft-{{ $name }}-tls, defaultMode: 0400 }
{{- end }}
{{- end }}

{{/* Where OVN's databases are, for the controllers and for every command of Weft that is run beside one. */}}
{{- define "weft.databases" -}}
- { name: WEFT_CLUSTER, value: {{ .Values.clusterId | quote }} }
- { name: WEFT_LEASE_NAMESPACE, value: {{ .Release.Namespace | quote }} }
- { name: OVN_NB_DB, value: {{ include "weft.northbound" . | quote }} }
- { name: OVN_SB_DB, value: {{ include "weft.southbound" . | quote }} }
- { name: WEFT_CA_CERT, value: /etc/weft/tls/ca.crt }
- { name: WEFT_CERTIFICATE, value: /etc/weft/tls/tls.crt }
- { name: WEFT_PRIVATE_KEY, value: /etc/weft/tls/tls.key }
{{- end }}

{{/* Who has this pod's credentials has the network, so it is to be where nobody else's workloads are. */}}
{{- define "weft.controlPlane" -}}
nodeAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      preference: { matchExpressions: [{ key: node-role.kubernetes.io/control-plane, operator: Exists }] }
{{- end }}

{{/* No capability at all, and nothing to write to but volumes. */}}
{{- define "weft.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* What of the node the agent works on, and what takes Weft off it. */}}
{{- define "weft.nodeMounts" -}}
- { name: vswitch, mountPath: /run/openvswitch }
- { name: ovn, mountPath: /run/ovn }
- { name: weft, mountPath: /run/weft }
- { name: namespaces, mountPath: /run/netns, mountPropagation: HostToContainer }
- { name: cni-conf, mountPath: /host/cni/net.d }
- { name: cni-bin, mountPath: /host/cni/bin }
{{- end }}

{{/* Asks a daemon of OVN or Open vSwitch whether it answers; its argument is the command. */}}
{{- define "weft.probe" -}}
livenessProbe:
  exec: { command: {{ . | toJson }} }
  initialDelaySeconds: 10
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
{{- end }}

{{/* For a server that may wait for others before it answers: an hour. */}}
{{- define "weft.patience" -}}
startupProbe:
  exec: { command: {{ . | toJson }} }
  periodSeconds: 2
  timeoutSeconds: 10
  failureThreshold: 1800
{{- end }}
