{{- define "standin.name" -}}
{{ default .Release.Name .Values.fullnameOverride }}
{{- end -}}

{{- define "standin.account" -}}
{{ default (include "standin.name" .) .Values.serviceAccount.name }}
{{- end -}}

{{- define "standin.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "standin.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "standin.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- /* what must differ between nodes or zones: this release's own pods */ -}}
{{- define "standin.selecting" -}}
{{- $labels := dict "app.kubernetes.io/name" (default .Chart.Name .Values.nameOverride) "app.kubernetes.io/instance" .Release.Name -}}
{{ toJson (dict "matchLabels" $labels) }}
{{- end -}}
