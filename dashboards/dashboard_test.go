package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
)

const committed = "rocketchat-import.json"

// The Makefile's RUNBOOK_BASE is stamped into the committed file; without it the
// default is.
func committedBase() runbooks {
	if base := os.Getenv("RUNBOOK_BASE"); base != "" {
		return runbooks(base)
	}
	return defaultRunbooks
}

func TestTheCommittedFileIsWhatTheGeneratorWrites(t *testing.T) {
	want, err := generate(committedBase())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: run make generate", committed)
	}
}

func TestGrafanasOwnTypesKnowEveryField(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	var decoded board
	err := decoded.UnmarshalJSONStrict(generated(t))
	if err != nil && err.Error() != "" { // without a fault it is an empty list of errors
		t.Error(err)
	}
}

func TestNothingNeedsToBeEditedOnImport(t *testing.T) {
	raw := string(generated(t))
	for _, prompt := range []string{"__inputs", "__requires", "${DS_"} {
		if strings.Contains(raw, prompt) {
			t.Errorf("the dashboard holds %q, which makes Grafana ask", prompt)
		}
	}
	if !strings.Contains(raw, `"uid": "rocketchat-import"`) {
		t.Error("the dashboard's uid is not fixed")
	}
}

func TestEveryDataSourceIsTheVariable(t *testing.T) {
	found := 0
	walk(decode(t), func(key string, value any) {
		if key != "datasource" {
			return
		}
		found++
		source := value.(map[string]any)
		if source["uid"] != "${datasource}" || source["type"] != "prometheus" {
			t.Errorf("data source %v", source)
		}
	})
	if found == 0 {
		t.Error("no data source at all")
	}
}

func TestTheVariablesAreDataSourceAndWorkspace(t *testing.T) {
	board := load(t)
	variables := board.Templating.List
	if len(variables) != 2 {
		t.Fatalf("%d variables", len(variables))
	}
	source, instance := variables[0], variables[1]
	if source.Name != "datasource" || source.Type != "datasource" || source.Query != "prometheus" {
		t.Errorf("first variable %+v", source)
	}
	if instance.Name != "instance" || !instance.Multi || !instance.IncludeAll || instance.AllValue != ".*" {
		t.Errorf("second variable %+v", instance)
	}
	if instance.Definition != "label_values(rocketchat_import_up, instance)" {
		t.Errorf("workspaces come from %q", instance.Definition)
	}
}

func TestLinksLeadToTheRunbooksOrAreNotThere(t *testing.T) {
	for base, want := range map[string]bool{"https://wiki.test/runbooks": true, defaultRunbooks: false} {
		raw, err := generate(runbooks(base))
		if err != nil {
			t.Fatal(err)
		}
		var board any
		if err := json.Unmarshal(raw, &board); err != nil {
			t.Fatal(err)
		}
		var sections []string
		walk(board, func(key string, value any) {
			url, isText := value.(string)
			if key != "url" || !isText || strings.HasPrefix(url, "/d/"+uid+"?") { // the link to one workspace
				return
			}
			page, section, _ := strings.Cut(url, "#")
			if page != base || !want {
				t.Errorf("with %s, a link leads to %q", base, url)
			}
			sections = append(sections, section)
		})
		for _, alert := range alertsOfTheRules(t) {
			if want != slices.Contains(sections, strings.ToLower(alert)) {
				t.Errorf("with %s, a panel links to the runbook of %s: %v", base, alert, !want)
			}
		}
	}
}

// alertsOfTheRules are the names of the shipped alerts.
func alertsOfTheRules(t *testing.T) []string {
	t.Helper()
	rules := ruleFile(t)
	var alerts []string
	for _, match := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(rules, -1) {
		alerts = append(alerts, match[1])
	}
	if len(alerts) < 10 {
		t.Fatalf("the rules have only the alerts %q", alerts)
	}
	return alerts
}

func ruleFile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../alerts/rocketchat-import.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An annotation that has a series for as long as an alert fires would paint every
// graph red.
func TestAnnotationsMarkBeginningsAlone(t *testing.T) {
	annotations := load(t).Annotations.List
	for _, annotation := range annotations {
		if annotation.Step != "60s" || !strings.Contains(annotation.Expr, "offset 1m") {
			t.Errorf("%s asks each %q for %s", annotation.Name, annotation.Step, annotation.Expr)
		}
	}
	if len(annotations) != 2 {
		t.Errorf("annotations %+v", annotations)
	}
}

// The parts of the generated JSON that the tests look at.
type boardJSON struct {
	Templating struct {
		List []struct {
			Name, Type, AllValue, Definition string
			Query                            any
			Multi, IncludeAll                bool
		}
	}
	Annotations struct {
		List []struct{ Name, Expr, Step string }
	}
	Panels []panelJSON
}

type panelJSON struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct{ RefID, Expr string }
	FieldConfig              struct {
		Defaults struct{ Unit, NoValue string }
	}
	Transformations []struct {
		ID      string
		Options json.RawMessage
	}
}

func generated(t *testing.T) []byte {
	t.Helper()
	raw, err := generate(defaultRunbooks)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func load(t *testing.T) boardJSON {
	t.Helper()
	var board boardJSON
	if err := json.Unmarshal(generated(t), &board); err != nil {
		t.Fatal(err)
	}
	return board
}

func decode(t *testing.T) any {
	t.Helper()
	var board any
	if err := json.Unmarshal(generated(t), &board); err != nil {
		t.Fatal(err)
	}
	return board
}

// walk visits every key of every object in a decoded JSON value.
func walk(value any, visit func(key string, value any)) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			visit(key, inner)
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}
