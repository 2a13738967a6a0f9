{{- /* Turns text into what a label may have as its value. */}}
{{- define "rocketchat-import-exporter.labelValue" -}}
{{ regexReplaceAll "[^A-Za-z0-9_.-]" . "_" | trunc 63 | trimAll "-_." }}
{{- end }}

{{- /* The name of every object. It is quoted where it stands, since a release may be called null. A Service has the
narrowest rule: lower case letters, digits and -, a letter first, at most 63. */}}
{{- define "rocketchat-import-exporter.name" -}}
{{- $part := .Values.nameOverride | default .Chart.Name -}}
{{- $name := contains $part .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $part) -}}
{{- $name = regexReplaceAll "[^a-z0-9-]" (.Values.fullnameOverride | default $name | lower) "-" | trunc 63 | trimAll "-" -}}
{{- regexMatch "^[a-z]" $name | ternary $name (printf "exporter-%s" $name) | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "rocketchat-import-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rocketchat-import-exporter.labelValue" (.Values.nameOverride | default .Chart.Name) | default "rocketchat-import-exporter" | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- /* Name, labels and annotations of an object. Takes a dict: root, and maybe suffix, labels, annotations. */}}
{{- define "rocketchat-import-exporter.metadata" -}}
{{- $own := dict
  "app.kubernetes.io/version" (include "rocketchat-import-exporter.labelValue" .root.Chart.AppVersion)
  "app.kubernetes.io/managed-by" .root.Release.Service
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | include "rocketchat-import-exporter.labelValue") -}}
name: {{ printf "%s%s" (include "rocketchat-import-exporter.name" .root) (.suffix | default "") | quote }}
labels:
  {{- merge (include "rocketchat-import-exporter.selectorLabels" .root | fromYaml) $own (.labels | default dict) (.root.Values.commonLabels | default dict) | toYaml | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "rocketchat-import-exporter.image" -}}
{{- $repository := required "set image.repository: no public registry has the image, so push your own build" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default (.Chart.AppVersion | replace "+" "_") }}
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
{{- include "rocketchat-import-exporter.file" . | replace "http://localhost:10458/docs/runbooks.md" (include "rocketchat-import-exporter.runbookURL" $root) -}}
{{- end }}

{{- /* The exporter's page behind the port-forward of NOTES.txt. */}}
{{- define "rocketchat-import-exporter.forwardedURL" -}}
{{ .Values.webConfig.tls | ternary "https" "http" }}://localhost:10458/
{{- end }}

{{- /* Where the links in alerts lead. */}}
{{- define "rocketchat-import-exporter.runbookURL" -}}
{{ .Values.runbookURL | default (printf "%sdocs/runbooks.md" (include "rocketchat-import-exporter.forwardedURL" .)) }}
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
{{- $secrets := .Values.secretFiles | default list -}}
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
scrapeTimeout: {{ include "rocketchat-import-exporter.scrapeTimeout" . }}
{{- with .Values.monitoring.basicAuth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .Values.webConfig.tls }}
tlsConfig:
  {{- $serverName := printf "%s.%s.svc" (include "rocketchat-import-exporter.name" .) .Release.Namespace }}
  {{- merge dict (.Values.monitoring.tlsConfig | default dict) (dict "serverName" $serverName) | toYaml | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The operator drops a monitor whose timeout is above its interval. */}}
{{- define "rocketchat-import-exporter.scrapeTimeout" -}}
{{- $interval := include "rocketchat-import-exporter.milliseconds" .Values.monitoring.interval | int64 -}}
{{- if or (lt $interval 5000) (gt $interval 120000) -}}
{{- fail (printf "monitoring.interval is %s: the alerts work from 5s to 2m" .Values.monitoring.interval) -}}
{{- end -}}
{{- $timeout := .Values.monitoring.scrapeTimeout | default (lt $interval 10000 | ternary .Values.monitoring.interval "10s") -}}
{{- if gt (include "rocketchat-import-exporter.milliseconds" $timeout | int64) $interval -}}
{{- fail (printf "monitoring.scrapeTimeout is %s: it must not be above monitoring.interval, which is %s" $timeout .Values.monitoring.interval) -}}
{{- end -}}
{{ $timeout }}
{{- end }}

{{- /* The milliseconds of a duration such as 1m30s. */}}
{{- define "rocketchat-import-exporter.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 -}}
{{- $sum = add $sum (mul (regexFind "^[0-9]+" .) (get $units (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{ $sum }}
{{- end }}
