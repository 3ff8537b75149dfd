{{- define "standin.selector" -}}
control-plane: envoy-gateway
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "standin.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "standin.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- /* An image with the registry of a mirror in the place of its own. */ -}}
{{- define "standin.image" -}}
{{- if .registry }}{{ printf "%s/%s" .registry (regexReplaceAll "^[^/]+/" .image "") }}{{ else }}{{ .image }}{{ end -}}
{{- end -}}
