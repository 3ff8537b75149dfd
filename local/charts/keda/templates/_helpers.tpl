{{- define "standin.labels" -}}
app.kubernetes.io/component: operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: keda-operator
app.kubernetes.io/version: {{ .Chart.AppVersion }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- /* image: dict root, image */ -}}
{{- define "standin.image" -}}
{{ printf "%s/%s:%s" (default .image.registry .root.Values.global.image.registry) .image.repository (default .root.Chart.AppVersion .image.tag) }}
{{- end -}}

{{- define "standin.adapter" -}}
{{ .Values.operator.name }}-metrics-apiserver
{{- end -}}

{{- /* what a pod of the namespace's restricted level has to say */ -}}
{{- define "standin.container-security" -}}
{allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true, seccompProfile: {type: RuntimeDefault}}
{{- end -}}
