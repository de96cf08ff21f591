{{/* Labels by which the operator's pods are found. */}}
{{- define "steg.selector" -}}
app.kubernetes.io/name: steg-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels of all objects of the chart. */}}
{{- define "steg.labels" -}}
app.kubernetes.io/name: steg-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* An image by its own values and the default ones: dict "root" $ "image" VALUES. */}}
{{- define "steg.image" -}}
{{- $v := .root.Values -}}
{{- $registry := .image.registry | default $v.defaultImageRegistry -}}
{{- $repository := .image.repository | default $v.defaultImageRepository -}}
{{- $tag := .image.tag | default $v.defaultImageTag | default .root.Chart.AppVersion -}}
{{- list $registry $repository .image.name | compact | join "/" }}:{{ $tag }}
{{- end }}

{{/* "true" if a controller is asked for: dict "root" $ "name" NAME. */}}
{{- define "steg.runs" -}}
{{- if has .name .root.Values.controllers }}true{{ end -}}
{{- end }}

{{/* "true" if the API server puts the finalizer on KafkaTopics. */}}
{{- define "steg.finalizerPolicy" -}}
{{- $policy := .Values.topics.finalizerPolicy | toString -}}
{{- if eq $policy "auto" }}{{ $policy = .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" | toString }}{{ end -}}
{{- if and .Values.createGlobalResources (include "steg.runs" (dict "root" . "name" "topic")) (eq $policy "true") }}true{{ end -}}
{{- end }}

{{/* The namespaces that are looked after, with commas; empty: all. */}}
{{- define "steg.namespaces" -}}
{{- $any := .Values.watchAnyNamespace -}}
{{- if kindIs "invalid" $any }}{{ $any = empty .Values.watchNamespaces }}{{ end -}}
{{- if not $any }}{{ concat (list .Release.Namespace) .Values.watchNamespaces | uniq | sortAlpha | join "," }}{{ end -}}
{{- end }}

{{/* The log level in our words. Charts of the reference operator have an expression of its logging library as default. */}}
{{- define "steg.logLevel" -}}
{{- $level := .Values.logLevel | lower -}}
{{- if hasPrefix "${" $level }}info{{ else if eq $level "trace" }}debug{{ else if eq $level "warning" }}warn{{ else }}{{ $level }}{{ end -}}
{{- end }}

{{/* What the Pod Security Standard restricted wants of a pod, and of a container. */}}
{{- define "steg.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1001
runAsGroup: 1001
seccompProfile:
  type: RuntimeDefault
{{- end }}
{{- define "steg.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where the pods of the chart run. */}}
{{- define "steg.scheduling" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- if not (kindIs "invalid" .Values.hostUsers) }}
hostUsers: {{ .Values.hostUsers }}
{{- end }}
{{- with .Values.image.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Values of the reference operator's chart that mean nothing here, those that are set, one per line. */}}
{{- define "steg.withoutEffect" -}}
{{- range $key := .Files.Get "files/values-without-effect.txt" | splitList "\n" }}
{{- $key = trim $key }}
{{- if and $key (not (hasPrefix "#" $key)) (hasKey $.Values $key) }}
{{ $key }}
{{- end }}
{{- end }}
{{- end }}
