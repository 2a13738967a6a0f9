package main

import (
	"context"
	"encoding/json"
	"fmt"
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
// returns 0 only if all can.
func runCheck(ctx context.Context, f *flags, stdout, stderr io.Writer) int {
	workspaces, err := f.workspaces()
	if err != nil {
		return fail(stderr, err)
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
	if err := printResults(stdout, results, f.json); err != nil {
		return fail(stderr, err)
	}
	if slices.ContainsFunc(results, func(r check.Result) bool { return !r.OK }) {
		return 1
	}
	return 0
}

// printResults writes results in words or as JSON.
func printResults(w io.Writer, results []check.Result, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(results)
	}
	for i, result := range results {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := result.Write(w); err != nil {
			return err
		}
	}
	return nil
}
