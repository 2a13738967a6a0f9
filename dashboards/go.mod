// The program that writes the dashboard. It stands apart because the SDK of Grafana
// is 20 MB, and no business of whoever builds the exporter.
module rocketchat_import_exporter/dashboards

go 1.26.0

require (
	github.com/grafana/grafana-foundation-sdk/go v0.0.18
	github.com/stretchr/testify v1.12.1
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
