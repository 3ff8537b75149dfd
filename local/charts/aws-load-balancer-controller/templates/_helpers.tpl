{{- define "standin.name" -}}
{{ default .Release.Name .Values.fullnameOverride }}
{{- end -}}

{{- define "standin.account" -}}
{{ default (include "standin.name" .) .Values.serviceAccount.name }}
{{- end -}}

{{- define "standin.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "standin.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "standin.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
