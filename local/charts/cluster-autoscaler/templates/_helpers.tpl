{{- define "standin.name" -}}
{{ default (printf "%s-aws-cluster-autoscaler" .Release.Name) .Values.fullnameOverride }}
{{- end -}}

{{- define "standin.account" -}}
{{ default (include "standin.name" .) .Values.rbac.serviceAccount.name }}
{{- end -}}

{{- define "standin.selector" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/name: aws-cluster-autoscaler
{{- end -}}

{{- define "standin.labels" -}}
{{ include "standin.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
