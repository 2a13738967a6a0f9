{{- define "rocketchat-import-exporter.shortName" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The name of every object. */}}
{{- define "rocketchat-import-exporter.name" -}}
{{- $name := .Release.Name -}}
{{- $part := include "rocketchat-import-exporter.shortName" . -}}
{{- if not (contains $part $name) -}}
{{- $name = printf "%s-%s" $name $part -}}
{{- end -}}
{{- .Values.fullnameOverride | default $name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "rocketchat-import-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rocketchat-import-exporter.shortName" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rocketchat-import-exporter.labels" -}}
{{ include "rocketchat-import-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* The name and labels of an object of the Prometheus operator. Its Prometheus selects by the further labels. */}}
{{- define "rocketchat-import-exporter.selectedMetadata" -}}
name: {{ include "rocketchat-import-exporter.name" .root }}
labels:
  {{- include "rocketchat-import-exporter.labels" .root | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "rocketchat-import-exporter.image" -}}
{{- $repository := required "set image.repository: no public registry has the image, so push your own build" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- /* A file of the chart. Takes a list: the root context and the file's name. */}}
{{- define "rocketchat-import-exporter.file" -}}
{{- $root := index . 0 -}}
{{- $path := printf "files/%s" (index . 1) -}}
{{- required (printf "the chart has no %s: it is damaged, so get it again" $path) ($root.Files.Get $path) -}}
{{- end }}

{{- /* A file of the chart, whose links lead to the runbooks. Takes the same list. */}}
{{- define "rocketchat-import-exporter.linkedFile" -}}
{{- $root := index . 0 -}}
{{- $runbooks := $root.Values.runbookURL | default (printf "%sdocs/runbooks.md" (include "rocketchat-import-exporter.forwardedURL" $root)) -}}
{{- include "rocketchat-import-exporter.file" . | replace "http://localhost:10458/docs/runbooks.md" $runbooks -}}
{{- end }}

{{- /* The exporter's page behind the port-forward of NOTES.txt. */}}
{{- define "rocketchat-import-exporter.forwardedURL" -}}
{{ .Values.webConfig.tls | ternary "https" "http" }}://localhost:10458/
{{- end }}

{{- /* The name of the one workspace, as the exporter has it. */}}
{{- define "rocketchat-import-exporter.workspaceName" -}}
{{- with .Values.workspace -}}
{{ .name | default (urlParse (.url | default "")).host }}
{{- end -}}
{{- end }}

{{- /* Where the files are. */}}
{{- define "rocketchat-import-exporter.directory" -}}
/etc/rocketchat-import-exporter
{{- end }}

{{- /* The file of a workspace's token. */}}
{{- define "rocketchat-import-exporter.tokenFile" -}}
{{ include "rocketchat-import-exporter.directory" . }}/secrets/{{ .auth_token_secret.name }}/{{ .auth_token_secret.key | default "token" }}
{{- end }}

{{- /* The names of all Secrets that are mounted, as a YAML list. */}}
{{- define "rocketchat-import-exporter.secrets" -}}
{{- $secrets := .Values.secretFiles -}}
{{- range .Values.workspaces | default (dict "one" .Values.workspace) -}}
{{- with .auth_token_secret -}}
{{- $secrets = append $secrets .name -}}
{{- end -}}
{{- end -}}
{{- with .Values.webConfig.secret.name -}}
{{- $secrets = append $secrets . -}}
{{- end -}}
{{ $secrets | uniq | sortAlpha | toYaml }}
{{- end }}

{{- /* How Prometheus connects to the exporter, in a ServiceMonitor and in a Probe. */}}
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
