{{- define "sluicegate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Names of objects have at most 63 characters; the longest suffix of them is "-dashboard". */}}
{{- define "sluicegate.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "sluicegate.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "sluicegate.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "sluicegate.selector" -}}
app.kubernetes.io/name: {{ include "sluicegate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sluicegate.labels" -}}
{{ include "sluicegate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* What a container may do: nothing but write to its volumes. */}}
{{- define "sluicegate.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end }}

{{- define "sluicegate.mounts" -}}
- name: data
  mountPath: /data
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A variable whose value is in the secret: a list of its name and the key in the secret. */}}
{{- define "sluicegate.secretVariable" -}}
{{- $root := index . 0 -}}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef:
      name: {{ required "existingSecret must name a Secret with the keys database, master-key, admin-password and user-password" $root.Values.existingSecret }}
      key: {{ index . 2 }}
{{- end }}

{{/* The variables of every container: what the chart decides, and the settings of the values. */}}
{{- define "sluicegate.variables" -}}
{{ include "sluicegate.secretVariable" (list . "SLUICEGATE_DATABASE" "database") }}
{{ include "sluicegate.secretVariable" (list . "SLUICEGATE_MASTER_KEY" "master-key") }}
{{- $decided := dict
  "public_url" (required "publicUrl must be set, such as https://gate.example.org" .Values.publicUrl)
  "behind_tls_proxy" true
  "trusted_proxies" .Values.trustedProxies
  "observation.listen" "0.0.0.0:9464"
  "limits.drain_secs" .Values.drainSeconds
  "limits.shutdown_secs" .Values.shutdownSeconds
  "log.format" "json" }}
{{- range $key := list "listen" "database" "data_dir" "public_url" "behind_tls_proxy" "trusted_proxies" "observation.listen" "limits.drain_secs" "limits.shutdown_secs" }}
{{- if hasKey $.Values.settings $key }}
{{- fail (printf "settings: %s is a matter of the chart; see its other values" $key) }}
{{- end }}
{{- end }}
{{- range $key, $value := merge (dict) .Values.settings $decided }}
{{- if not (and (kindIs "slice" $value) (empty $value)) }}
- name: SLUICEGATE_{{ $key | replace "." "__" | upper }}
  {{- if kindIs "slice" $value }}
  value: {{ join "," $value | quote }}
  {{- else if kindIs "float64" $value }}
  value: {{ int64 $value | quote }}
  {{- else }}
  value: {{ toString $value | quote }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}
