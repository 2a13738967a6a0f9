package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const rules = "../alerts/rocketchat-import.rules.yml"

func TestTheCommittedFileIsWhatTheGeneratorWrites(t *testing.T) {
	want, err := generate(configured())
	require.NoError(t, err)
	assert.True(t, string(want) == read(t, committed), "%s is stale: run make generate", committed)
}

func TestLinksLeadToTheRunbooks(t *testing.T) {
	sections := map[string]bool{"": true}
	for _, match := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(read(t, rules), -1) {
		sections["#"+strings.ToLower(match[1])] = true
	}
	require.Greater(t, len(sections), 10)
	for base, want := range map[string]map[string]bool{"https://wiki.test/runbooks": sections, defaultRunbooks: sections} {
		written, err := generate(runbooks(base))
		require.NoError(t, err)
		linked := map[string]bool{}
		for _, match := range regexp.MustCompile(`"url": "(.*)"`).FindAllSubmatch(written, -1) {
			url := string(match[1])
			if strings.HasPrefix(url, "/d/"+uid+"?") { // one workspace alone
				for _, label := range []string{"cluster", "namespace", "instance"} {
					assert.Contains(t, url, "&var-"+label+"=${__data.fields.", "a link to one workspace")
				}
				continue
			}
			section, isRunbook := strings.CutPrefix(url, base)
			assert.True(t, isRunbook, "a link leads to %s", url)
			linked[section] = true
		}
		assert.Equal(t, want, linked, base)
	}
}

// The maximum over many workspaces is shown, so the order of the codes is that in
// which they need a person.
func TestTheMorePressingHasTheHigherCode(t *testing.T) {
	order := []string{"done", "importing", "exporter down", "no answer", "failed", "interrupted", "aborted", "set back", "stalled", "forbidden", "unauthorized"}
	var found []string
	for i, c := range stateCodes {
		assert.Equal(t, i, c.number, c.text)
		if slices.Contains(order, c.text) {
			found = append(found, c.text)
		}
		if slices.Index(order, c.text) >= slices.Index(order, "exporter down") {
			assert.Regexp(t, "red|orange", c.color, c.text)
		}
	}
	assert.Equal(t, order, found)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}
