// Package e2e proves the shipped rules, Alertmanager configuration and dashboard
// on the real programs: Prometheus, VictoriaMetrics and Alertmanager, built from
// the pinned modules of this folder, watch the exporter's own binary, which watches
// a simulated Rocket.Chat. Run it with "make e2e"; that builds the programs first.
package e2e
