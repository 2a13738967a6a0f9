package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// curlAndJQ is the line that an administrator would put into a shell, with curl
// and jq as programs of their own.
func curlAndJQ(ctx context.Context, r reply) (c cost, _ error) {
	for _, program := range []string{"curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			return c, errNotInstalled
		}
	}
	args := []string{"-sSf", "-H", "X-User-Id: " + userID, "-H", "X-Auth-Token: " + token, r.url + "/api/v1/" + rocketchatsim.GetImportFileData}
	if r.gzip {
		args = append(args, "--compressed")
	}
	curl := exec.CommandContext(ctx, "curl", args...)
	jq := exec.CommandContext(ctx, "jq", "-c", "[(.users|length), (.channels|length), .message_count]")
	var result, curlSaid, jqSaid strings.Builder
	jq.Stdout, jq.Stderr, curl.Stderr = &result, &jqSaid, &curlSaid
	pipe, err := curl.StdoutPipe()
	if err != nil {
		return c, err
	}
	jq.Stdin = pipe
	start := time.Now()
	if err := errors.Join(jq.Start(), curl.Start()); err != nil {
		return c, err
	}
	c.rss, err = awaitPeak(jq, curl)
	c.wall = time.Since(start)
	if ctx.Err() != nil {
		return c, ctx.Err()
	}
	if err != nil {
		return c, fmt.Errorf("curl | jq: %w: %s%s", err, curlSaid.String(), jqSaid.String())
	}
	if want := fmt.Sprintf("[%d,", r.users); !strings.HasPrefix(result.String(), want) {
		return c, fmt.Errorf("jq counted %s, not %s", result.String(), want)
	}
	for _, cmd := range []*exec.Cmd{curl, jq} {
		c.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return c, nil
}

// awaitPeak waits for programs to end, in their order, and returns the sum of
// the peaks of their memory. Linux forgets a peak with the process, but it only
// ever grows, so the last look before the end is near enough.
func awaitPeak(cmds ...*exec.Cmd) (sum int64, err error) {
	ended := make(chan error)
	go func() {
		var errs []error
		for _, cmd := range cmds {
			errs = append(errs, cmd.Wait())
		}
		ended <- errors.Join(errs...)
	}()
	peaks := make([]int64, len(cmds))
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			for _, peak := range peaks {
				sum += peak
			}
			return sum, err
		case <-look.C:
			for i, cmd := range cmds {
				if rss, err := memory(cmd.Process.Pid, peakMemory); err == nil {
					peaks[i] = max(peaks[i], rss)
				}
			}
		}
	}
}
