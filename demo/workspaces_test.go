package main

import (
	"maps"
	"slices"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/stories"
)

func TestTheExporterTakesTheConfigurationOfSevenWorkspaces(t *testing.T) {
	loaded, err := config.Load([]byte(stories.Configuration(stories.Start(7))), "", config.Workspace{FileData: config.OnChange, HTTP: promconfig.DefaultHTTPClientConfig, Timeout: time.Second, FileDataTimeout: time.Minute})
	require.NoError(t, err)
	require.Equal(t, []string{"acme", "acme-2", "globex", "hooli", "initech", "stark", "umbrella"}, slices.Sorted(maps.Keys(loaded)))
}

func TestEachChangeOfAnImportIsALine(t *testing.T) {
	clock := rocketchatsim.NewClock(time.Now())
	sim := rocketchatsim.New(rocketchatsim.Config{Now: clock.Now})
	var r reporter
	require.Empty(t, r.next(sim.Operation()), "before the first import")
	script := rocketchatsim.SecondInstance()
	sim.Start(script, 1)
	var lines []string
	for range script.Duration() / time.Second {
		if line := r.next(sim.Operation()); line != "" {
			lines = append(lines, line)
		}
		clock.Advance(time.Second)
	}
	require.Equal(t, []string{
		"an import begins", "the file is uploaded", "the file is there",
		"preparing: 0 records staged", "preparing: 400 records staged", "preparing: 3,400 records staged",
		"ready: it waits for somebody to press start, and the exporter reads the selection",
		"somebody presses start", "importing users: 0 of 153,400 records", "importing contacts: 3,000 of 153,400 records", "importing channels: 3,000 of 153,400 records", "importing messages: 3,400 of 153,400 records",
		"importing messages: 78,000 of 153,400 records, but Rocket.Chat has given the import up",
		"aborted, although Rocket.Chat says importer_done: 78,500 of 153,400 records",
	}, lines)
}
