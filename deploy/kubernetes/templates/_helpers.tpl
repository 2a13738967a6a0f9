{{- define "rocketchat-import-exporter.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) -}}
{{- $name = printf "%s-%s" $name .Chart.Name -}}
{{- end -}}
{{- $name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "rocketchat-import-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rocketchat-import-exporter.labels" -}}
{{ include "rocketchat-import-exporter.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* The name of the one workspace, as the exporter has it. */}}
{{- define "rocketchat-import-exporter.workspaceName" -}}
{{- with .Values.workspace -}}
{{ .name | default (urlParse (.url | default "")).host }}
{{- end -}}
{{- end }}

{{- /* Whose token is whose file: the workspaces by name. */}}
{{- define "rocketchat-import-exporter.workspaces" -}}
{{- if .Values.workspaces -}}
{{ toYaml .Values.workspaces }}
{{- else -}}
{{ toYaml (dict (include "rocketchat-import-exporter.workspaceName" .) .Values.workspace) }}
{{- end -}}
{{- end }}

{{- /* Where the files are. */}}
{{- define "rocketchat-import-exporter.directory" -}}
/etc/rocketchat-import-exporter
{{- end }}

{{- /* How Prometheus speaks to the exporter, in a ServiceMonitor and in a Probe. */}}
{{- define "rocketchat-import-exporter.scrape" -}}
interval: {{ .Values.monitoring.interval }}
scrapeTimeout: {{ .Values.monitoring.scrapeTimeout }}
{{- with .Values.monitoring.basicAuth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .Values.webConfig.tls }}
tlsConfig:
  {{- $serverName := printf "%s.%s.svc" (include "rocketchat-import-exporter.name" .) .Release.Namespace }}
  {{- merge dict .Values.monitoring.tlsConfig (dict "serverName" $serverName) | toYaml | nindent 2 }}
{{- end }}
{{- end }}
