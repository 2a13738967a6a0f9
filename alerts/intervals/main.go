// Command intervals writes unit tests of the rules at the scrape intervals that they are made for, in
// the form of promtool: intervals DIR. Every third scrape is lost. Each alert must fire soon after
// its cause begins, and then at every evaluation, and nothing else may fire.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	begins = 20 * time.Minute // the cause of each alert
	soon   = 34 * time.Minute // 11 minutes of "for", two lost scrapes, and a recording rule's evaluation
	ends   = 80 * time.Minute
	old    = "1699000000" // a time by Rocket.Chat's clock
	now    = 1_700_000_000
)

// sample is one scrape: since is how long ago the cause began, and scrape counts the scrapes since then.
type sample struct {
	since  time.Duration
	scrape int
}

// value is what a series has at a scrape.
type value func(sample) string

func is(text string) value { return func(sample) string { return text } }

// becomes is one value before the cause, and another from then on.
func becomes(before, after string) value {
	return func(s sample) string {
		if s.since < 0 {
			return before
		}
		return after
	}
}

// clock is Rocket.Chat's, in seconds ahead.
func clock(ahead int) value {
	return func(s sample) string { return fmt.Sprint(now + ahead + int(s.since.Seconds())) }
}

// everyMinute counts once a minute, or at each scrape if these are rarer.
func everyMinute(s sample) string { return fmt.Sprint(max(0, int(s.since/time.Minute))) }

// refusedOrNoAnswer is refused at every second scrape that is not lost.
func refusedOrNoAnswer(s sample) string {
	if s.since >= 0 && s.scrape%3 == 0 {
		return "1"
	}
	return "0"
}

// situation is what one workspace has, by series without their prefix, and the alerts that must fire.
type situation struct {
	instance string
	alerts   []string
	series   map[string]value
}

var (
	server  = clock(0)
	running = becomes("0", "1")
)

var situations = []situation{
	{"well", nil, map[string]value{
		`up`: is("1"), `state{state="importing"}`: is("1"), `operation_valid`: is("1"), `server_time_seconds`: server,
		`operation_updated_timestamp_seconds`: clock(-5), `operation_created_timestamp_seconds`: is("1699999000"),
		`step{step="importer_importing_users"}`: is("1"), `operation_finished`: is("0"), `server_instances`: is("1"),
		`auth_failure{reason="unauthorized"}`: is("0"), `api_requests_total{code="429",endpoint="getCurrentImportOperation"}`: is("0"),
	}},
	{"stalled", []string{"Stalled"}, map[string]value{
		`state{state="importing"}`: running, `server_time_seconds`: server, `operation_updated_timestamp_seconds`: is(old),
	}},
	{"loading", []string{"PreparationStalled"}, map[string]value{
		`state{state="loading"}`: running, `server_time_seconds`: server, `operation_updated_timestamp_seconds`: is(old),
	}},
	{"interrupted", []string{"Interrupted"}, map[string]value{
		`step{step="importer_importing_users"}`: is("1"), `operation_valid`: becomes("1", "0"), `server_time_seconds`: server, `operation_updated_timestamp_seconds`: is("1699999000"),
	}},
	{"interrupted early", []string{"Interrupted"}, map[string]value{
		`step{step="importer_preparing_users"}`: is("1"), `operation_valid`: becomes("1", "0"), `server_time_seconds`: server, `operation_updated_timestamp_seconds`: is("1699999000"),
	}},
	{"aborted", []string{"Aborted"}, map[string]value{
		`operation_incident{kind="aborted",operation_id="a"}`: becomes("_", "1"), `operation_info{operation_id="a",importer="slack"}`: is("1"),
	}},
	{"disturbed", []string{"Disturbed"}, map[string]value{
		`operation_incident{kind="set_back",operation_id="a"}`: becomes("_", "1"), `operation_info{operation_id="a",importer="slack"}`: is("1"), `state{state="ready"}`: running,
	}},
	{"failed", []string{"Failed"}, map[string]value{
		`step{step="importer_import_failed"}`: running, `server_time_seconds`: server, `operation_updated_timestamp_seconds`: is("1699999000"),
	}},
	{"records failing", []string{"RecordsFailing"}, map[string]value{
		`state{state="importing"}`: is("1"), `operation_valid`: is("1"), `records_failed`: becomes("0", "30"), `records_completed`: is("100"),
	}},
	{"awaiting start", []string{"AwaitingStart"}, map[string]value{
		`state{state="ready"}`: running, `server_time_seconds`: server, `operation_created_timestamp_seconds`: is(old),
	}},
	{"finished", []string{"Finished"}, map[string]value{ // saved again and again, so that it goes on
		`state{state="done"}`: running, `operation_valid`: is("1"), `server_time_seconds`: server, `operation_updated_timestamp_seconds`: clock(-60),
	}},
	{"several instances", []string{"SeveralInstances"}, map[string]value{
		`state{state="ready"}`: is("1"), `server_instances`: becomes("1", "2"),
	}},
	{"refused", []string{"AuthFailure", "ScrapeFailing"}, map[string]value{
		`auth_failure{reason="unauthorized"}`: running, `up`: becomes("1", "0"),
	}},
	{"refused or no answer", []string{"AuthFailure", "ScrapeFailing"}, map[string]value{
		`auth_failure{reason="unauthorized"}`: refusedOrNoAnswer, `up`: becomes("1", "0"),
	}},
	{"no answer", []string{"ScrapeFailing"}, map[string]value{
		`auth_failure{reason="unauthorized"}`: is("0"), `up`: becomes("1", "0"),
	}},
	{"limited", []string{"RateLimited"}, map[string]value{`api_requests_total{code="429",endpoint="getCurrentImportOperation"}`: everyMinute}},
	{"bad file", []string{"ConfigReloadFailed"}, map[string]value{`exporter_config_last_reload_successful`: becomes("1", "0")}},
}

func main() {
	for _, interval := range []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 2 * time.Minute} {
		name := filepath.Join(os.Args[1], fmt.Sprintf("every-%s.test.yml", interval))
		if err := os.WriteFile(name, []byte(testFile(interval)), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "intervals:", err)
			os.Exit(1)
		}
	}
}

// testFile is the file of one interval.
func testFile(interval time.Duration) string {
	evaluation := min(max(interval, 15*time.Second), time.Minute)
	var b strings.Builder
	fmt.Fprintf(&b, `rule_files: [rocketchat-import.rules.yml]
evaluation_interval: %s
group_eval_order: [rocketchat-import-records, rocketchat-import-alerts]
tests:
  - name: every alert fires and stays, with a scrape every %s of which every third is lost
    interval: %[2]s
    input_series:
`, evaluation, interval)
	// Of what is scraped, up is always there.
	writeSeries(&b, interval, `up{job="rocketchat_import",instance="down"}`, becomes("1", "0"), false)
	writeSeries(&b, interval, `up{job="rocketchat_import",instance="well"}`, func(s sample) string {
		if s.scrape%3 == 2 {
			return "0"
		}
		return "1"
	}, false)
	fires := map[string]int{`{alertname="RocketChatImportExporterDown",instance="down"}`: 1}
	for _, s := range situations {
		for name, v := range s.series {
			metric, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
			writeSeries(&b, interval, fmt.Sprintf(`rocketchat_import_%s{instance="%s",%s}`, metric, s.instance, labels), v, true)
		}
		for _, alert := range s.alerts {
			fires[fmt.Sprintf(`{alertname="RocketChatImport%s",instance="%s"}`, alert, s.instance)] = 1
		}
	}
	// The last half of an evaluation is for engines that disagree about a range's edge.
	evaluations := int((ends - soon) / evaluation)
	steady := time.Duration(evaluations)*evaluation - evaluation/2
	fmt.Fprintf(&b, `    promql_expr_test:
      - expr: sum by (alertname, instance) (count_over_time(ALERTS{alertstate="firing"}[%[1]dms]))
        eval_time: %[2]s
        exp_samples:
`, steady.Milliseconds(), ends)
	for labels := range fires {
		fmt.Fprintf(&b, "          - {labels: '%s', value: %d}\n", labels, evaluations)
	}
	fmt.Fprintf(&b, `      - expr: count(ALERTS{alertstate="firing"})
        eval_time: %s
`, begins-evaluation)
	return b.String()
}

// writeSeries writes the samples of one series. A lost scrape ends it, as a failed one does.
func writeSeries(b *strings.Builder, interval time.Duration, series string, v value, lost bool) {
	fmt.Fprintf(b, "      - series: '%s'\n        values:", series)
	first := -int(begins / interval)
	for i := first; i <= int((ends-begins)/interval); i++ {
		text := v(sample{time.Duration(i) * interval, i})
		if lost && ((i%3)+3)%3 == 2 {
			text = "stale"
		}
		fmt.Fprint(b, " ", text)
	}
	b.WriteString("\n")
}
