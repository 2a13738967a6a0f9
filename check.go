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

// checkAtOnce is how many workspaces are checked at a time.
const checkAtOnce = 16

// runCheck tells, in the order of their names, whether the workspaces can be
// watched. It returns 0 only if all can.
func runCheck(ctx context.Context, s *settings, stdout, stderr io.Writer) int {
	workspaces, err := s.workspaces()
	if err != nil {
		return failed(stderr, err)
	}
	names := slices.Sorted(maps.Keys(workspaces))
	results := make([]check.Result, len(names))
	var group errgroup.Group
	group.SetLimit(checkAtOnce)
	for i, workspace := range names {
		group.Go(func() error {
			results[i] = check.Run(ctx, workspace, workspaces[workspace], name+"/"+version.Version)
			return nil
		})
	}
	group.Wait() // without an error: each result has its own
	if err := report(stdout, results, s.json); err != nil {
		return failed(stderr, err)
	}
	if slices.ContainsFunc(results, func(r check.Result) bool { return !r.Well }) {
		return 1
	}
	return 0
}

// report writes results in plain words or as JSON.
func report(w io.Writer, results []check.Result, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(results)
	}
	if len(results) == 0 {
		_, err := fmt.Fprintln(w, "The configuration file names no workspace.")
		return err
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
