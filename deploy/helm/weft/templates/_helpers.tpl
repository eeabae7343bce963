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

{{- define "weft.northbound" -}}
{{- if eq .Values.mode "underlay" }}{{ join "," .Values.controller.northbound }}{{ else }}ssl:{{ include "weft.host" .Values.central.address }}:6641{{ end }}
{{- end }}

{{- define "weft.southbound" -}}
{{- if eq .Values.mode "underlay" }}{{ join "," .Values.controller.southbound }}{{ else }}ssl:{{ include "weft.host" .Values.central.address }}:6642{{ end }}
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
