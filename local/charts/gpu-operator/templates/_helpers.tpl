{{- define "standin.labels" -}}
app.kubernetes.io/name: gpu-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- /* image of an operand: its repository, image and version, the last falling back to the chart's appVersion */ -}}
{{- define "standin.image" -}}
{{ printf "%s/%s:%s" .operand.repository .operand.image (default .root.Chart.AppVersion .operand.version) }}
{{- end -}}

{{- /* one operand's DaemonSet: dict root, name, operand, deploy (the node label that asks for it), alsoOn (another) */ -}}
{{- define "standin.daemonset" -}}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    app: {{ .name }}
    {{- include "standin.labels" .root | nindent 4 }}
spec:
  selector: {matchLabels: {app: {{ .name }}}}
  updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1}}
  template:
    metadata: {labels: {app: {{ .name }}, app.kubernetes.io/managed-by: gpu-operator}}
    spec:
      serviceAccountName: {{ .account }}
      priorityClassName: {{ .root.Values.daemonsets.priorityClassName }}
      nodeSelector:
        nvidia.com/gpu.deploy.{{ .deploy }}: "true"
        {{- with .alsoOn }}
        {{ . }}: "true"
        {{- end }}
      tolerations:
        {{- toYaml .root.Values.daemonsets.tolerations | nindent 8 }}
      containers:
      - name: {{ .name }}
        image: {{ include "standin.image" . }}
        imagePullPolicy: IfNotPresent
        securityContext: {privileged: true}
        {{- with .operand.env }}
        env:
          {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- with .ports }}
        ports:
          {{- toYaml . | nindent 8 }}
        {{- end }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .account }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "standin.labels" .root | nindent 4 }}
{{- end -}}
