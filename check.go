package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/version"
	"golang.org/x/sync/errgroup"

	"rocketchat_import_exporter/internal/check"
)

// maxChecks is how many workspaces are checked at the same time.
const maxChecks = 16

// runCheck prints whether each workspace can be watched, sorted by name. It
// returns an error unless all can.
func runCheck(ctx context.Context, f *flags, stdout io.Writer) error {
	workspaces, err := f.workspaces(f.readFile())
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(workspaces))
	results := make([]check.Result, len(names))
	var group errgroup.Group
	group.SetLimit(maxChecks)
	for i, workspace := range names {
		group.Go(func() error {
			results[i] = check.Run(ctx, workspace, workspaces[workspace], name+"/"+version.Version)
			results[i].Notes = append(results[i].Notes, f.warnings...)
			return nil
		})
	}
	group.Wait() // returns no error: each result has its own
	var texts []string
	for _, result := range results {
		texts = append(texts, result.String())
	}
	output := strings.Join(texts, "\n")
	if f.json {
		encoded, _ := json.MarshalIndent(results, "", "  ") // cannot fail
		output = string(encoded) + "\n"
	}
	if _, err := io.WriteString(stdout, output); err != nil {
		return err
	}
	if slices.ContainsFunc(results, func(r check.Result) bool { return !r.OK }) {
		return errReported
	}
	return nil
}
