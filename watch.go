package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
	"golang.org/x/term"

	"rocketchat_import_exporter/internal/follow"
)

// addWatch adds the command that follows an import.
func (f *flags) addWatch(app *kingpin.Application) {
	watch := app.Command(watchCommand, "Follow the newest import until it ends. The exit code is 0 if it finished, 1 if it ended in another way, 2 after --timeout.")
	watch.Arg("workspace", "Name of the workspace. Not needed where there is only one.").StringVar(&f.watched)
	watch.Flag("interval", "Time between two looks.").Default("15s").DurationVar(&f.interval)
	watch.Flag("timeout", "Stop after this time. 0s means never.").Default("0s").DurationVar(&f.watchTimeout)
}

// runWatch follows the newest import of a workspace, and returns the exit code.
func runWatch(ctx context.Context, f *flags, stdout io.Writer) (int, error) {
	switch {
	case f.interval < time.Second:
		return 1, errors.New("--interval: must be at least 1s")
	case f.watchTimeout < 0:
		return 1, errors.New("--timeout: must not be negative")
	}
	workspaces, err := f.workspaces(f.readFile())
	if err != nil {
		return 1, err
	}
	if name := slices.Sorted(maps.Keys(workspaces)); f.watched == "" && len(name) == 1 {
		f.watched = name[0]
	} else if _, found := workspaces[f.watched]; !found {
		return 1, fmt.Errorf("watch follows one workspace: name one of %s", strings.Join(name, ", "))
	}
	file, isFile := stdout.(*os.File)
	return follow.Run(ctx, follow.Options{
		Name: f.watched, Config: workspaces[f.watched], UserAgent: name + "/" + version.Version,
		Interval: f.interval, Timeout: f.watchTimeout, Out: stdout, Terminal: isFile && term.IsTerminal(int(file.Fd())),
	})
}
