package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"

	"github.com/prometheus/common/version"
	"golang.org/x/sync/errgroup"

	"rocketchat_import_exporter/internal/check"
)

// maxChecks is how many workspaces are checked at the same time.
const maxChecks = 16

// runCheck prints whether each workspace can be watched, sorted by name. It
// returns an error unless all can.
func runCheck(ctx context.Context, f *flags, stdout io.Writer) error {
	workspaces, err := f.workspaces()
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
			return nil
		})
	}
	group.Wait() // returns no error: each result has its own
	output := new(bytes.Buffer)
	if f.json {
		encoder := json.NewEncoder(output)
		encoder.SetIndent("", "  ")
		encoder.Encode(results) // cannot fail
	} else {
		for i, result := range results {
			if i > 0 {
				output.WriteString("\n")
			}
			output.WriteString(result.String())
		}
	}
	if _, err := output.WriteTo(stdout); err != nil {
		return err
	}
	if slices.ContainsFunc(results, func(r check.Result) bool { return !r.OK }) {
		return errReported
	}
	return nil
}
