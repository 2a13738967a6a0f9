{{- /* The container's arguments, as a YAML list. A setting of a workspace that is new here is new in the schema too. */}}
{{- define "rocketchat-import-exporter.args" -}}
{{- $directory := include "rocketchat-import-exporter.directory" . -}}
{{- $args := list -}}
{{- if .Values.workspaces -}}
{{- $args = list (printf "--config.file=%s/config/config.yml" $directory) (printf "--config.auto-reload-interval=%s" .Values.reloadInterval) -}}
{{- else -}}
{{- with .Values.workspace -}}
{{- $args = list (printf "--rocketchat.url=%s" .url) (printf "--rocketchat.user-id=%s" .user_id) (printf "--rocketchat.auth-token-file=%s" (include "rocketchat-import-exporter.tokenFile" .)) -}}
{{- $workspace := . -}}
{{- range $flag, $key := include "rocketchat-import-exporter.workspaceFlags" . | fromYaml -}}
{{- with get $workspace $key -}}
{{- $args = append $args (printf "%s=%s" $flag .) -}}
{{- end -}}
{{- end -}}
{{- if .http_config -}}
{{- $args = append $args (printf "--rocketchat.http-config-file=%s/config/http_config.yml" $directory) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.webConfig.secret -}}
{{- if .name -}}
{{- $args = append $args (printf "--web.config.file=%s/secrets/%s/%s" $directory .name .key) -}}
{{- end -}}
{{- end -}}
{{- $extra := .Values.extraArgs | default list -}}
{{- $args = concat $args (list (printf "--log.level=%s" .Values.log.level) (printf "--log.format=%s" .Values.log.format)) -}}
{{- /* A flag wins over its variable, which envFrom may bring along. */}}
{{- if not (regexMatch "--import\\.file-data=" (concat $args $extra | join " ")) -}}
{{- $args = append $args "--import.file-data=on-change" -}}
{{- end -}}
{{ concat $args $extra | toYaml }}
{{- end }}

{{- /* The flags of a workspace's optional settings. For many workspaces they are the defaults of all. */}}
{{- define "rocketchat-import-exporter.workspaceFlags" -}}
--rocketchat.timeout: timeout
--rocketchat.min-interval: min_interval
--rocketchat.poll-interval: poll_interval
--import.file-data: file_data
--import.file-data-timeout: file_data_timeout
{{- end }}

{{- /* Refuses in words what a schema can only refuse in its own. */}}
{{- define "rocketchat-import-exporter.check" -}}
{{- if and .Values.workspace .Values.workspaces -}}
{{- fail "set workspace or workspaces, not both: --reuse-values keeps the old workspace, so use --reset-then-reuse-values --set workspace=null" -}}
{{- else if not (or .Values.workspace .Values.workspaces) -}}
{{- fail "set workspace or workspaces: there is nothing to watch" -}}
{{- end -}}
{{- if and (or .Values.webConfig.tls .Values.webConfig.authentication) (not .Values.webConfig.secret.name) -}}
{{- fail "webConfig.tls and webConfig.authentication describe the file in the Secret: set webConfig.secret.name" -}}
{{- end -}}
{{- if and .Values.monitoring.enabled .Values.webConfig.authentication (not (or .Values.monitoring.basicAuth (.Values.monitoring.tlsConfig | default dict).cert)) -}}
{{- fail "with webConfig.authentication Prometheus needs credentials: set monitoring.basicAuth, or cert and keySecret of monitoring.tlsConfig" -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if has .name (list "ROCKETCHAT_AUTH_TOKEN" "ROCKETCHAT_IMPORT_EXPORTER_IMPORT_FILE_DATA") -}}
{{- fail (printf "extraEnv must not set %s: the token belongs in a Secret that auth_token_secret names, and when to read the selection in file_data" .name) -}}
{{- end -}}
{{- end -}}
{{- $own := include "rocketchat-import-exporter.values" . | fromYaml -}}
{{- if .Values.workspace -}}
{{- range $flag, $key := include "rocketchat-import-exporter.workspaceFlags" . | fromYaml -}}
{{- $_ := set $own $flag (printf "workspace.%s" $key) -}}
{{- end -}}
{{- end -}}
{{- $seen := dict -}}
{{- range .Values.extraArgs -}}
{{- $flag := regexFind "^--[^=]+" . -}}
{{- if not $flag -}}
{{- fail (printf "extraArgs has %q: write a flag with its value as one item, such as --rocketchat.timeout=8s" .) -}}
{{- else if hasPrefix "--import.file-data=unguarded" . -}}
{{- fail "extraArgs must not set --import.file-data=unguarded: that mode wipes a running import" -}}
{{- else if hasKey $own $flag -}}
{{- fail (printf "extraArgs must not set %s: set the value %s" $flag (get $own $flag)) -}}
{{- else if and (hasKey $seen $flag) (ne $flag "--web.listen-address") -}}
{{- fail (printf "extraArgs has %s twice" $flag) -}}
{{- end -}}
{{- $_ := set $seen $flag true -}}
{{- end -}}
{{- end }}

{{- /* The value that sets a flag. */}}
{{- define "rocketchat-import-exporter.values" -}}
--config.file: workspaces
--config.auto-reload-interval: reloadInterval
--rocketchat.url: workspace.url
--rocketchat.user-id: workspace.user_id
--rocketchat.auth-token: auth_token_secret, which names a Secret
--rocketchat.auth-token-file: auth_token_secret, which names a Secret
--rocketchat.http-config-file: http_config
--web.config.file: webConfig.secret
--log.level: log.level
--log.format: log.format
{{- end }}
