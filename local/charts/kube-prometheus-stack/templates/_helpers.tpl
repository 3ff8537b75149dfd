{{- define "standin.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 26 | trimSuffix "-" }}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{ .Release.Name | trunc 26 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 26 | trimSuffix "-" }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "standin.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/version: {{ .Chart.Version }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
release: {{ .Release.Name | quote }}
heritage: {{ .Release.Service | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* metadata of an object: dict root, name (suffix after the full name) */ -}}
{{- define "standin.metadata" -}}
name: {{ include "standin.fullname" .root }}-{{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  app: {{ .root.Chart.Name }}-{{ .name }}
  {{- include "standin.labels" .root | nindent 2 }}
{{- end -}}

{{- define "standin.image" -}}
{{ printf "%s/%s:%s" .image.registry .image.repository (default .root.Chart.AppVersion .image.tag) }}
{{- end -}}

{{- /* selector of one kind of monitor: what is set, else all, else those of this release: dict root, spec, kind */ -}}
{{- define "standin.selector" -}}
{{- $selector := index .spec (printf "%sSelector" .kind) -}}
{{- $namespaces := index .spec (printf "%sNamespaceSelector" .kind) -}}
{{ .kind }}Selector:
{{- if $selector }}
  {{- toYaml $selector | nindent 2 }}
{{- else if index .spec (printf "%sSelectorNilUsesHelmValues" .kind) }}
  matchLabels:
    release: {{ .root.Release.Name | quote }}
{{- else }} {}
{{- end }}
{{ .kind }}NamespaceSelector: {{ toJson $namespaces }}
{{- end -}}
