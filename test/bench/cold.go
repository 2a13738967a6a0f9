package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

const (
	// A read is repeated so often, but no more once so much time has gone.
	coldRepeats = 7
	coldBudget  = 10 * time.Second
	// A program that has not read a selection by then is given up.
	coldTimeout = 30 * time.Second
)

// cost is what reading a selection cost a program that had just been started.
type cost struct {
	wall, cpu time.Duration
	rss       int64 // bytes, at their peak, of the whole process
}

// contender is a way to read a selection.
type contender struct {
	name string
	read func(context.Context, reply) (cost, error)
}

// What keeps a contender from being measured.
var (
	errNotInstalled = errors.New("not installed")
	errNoGzip       = errors.New("asks for no gzip")
)

// contenders are this exporter and what people would use instead. The first is
// what the others are compared with.
func (b binaries) contenders() []contender {
	return []contender{
		{"read and thrown away", func(ctx context.Context, r reply) (cost, error) {
			d, err := startSimple(ctx, b.throwaway, r.url)
			return readWith(ctx, d, err, countBytes, r.bytes)
		}},
		{"this exporter", func(ctx context.Context, r reply) (cost, error) {
			d, err := b.startExporter(ctx, r.url, "--rocketchat.timeout=1m")
			return readWith(ctx, d, err, countUsers, r.users)
		}},
		{"naive exporter", func(ctx context.Context, r reply) (cost, error) {
			d, err := startSimple(ctx, b.naive, r.url)
			return readWith(ctx, d, err, countUsers, r.users)
		}},
		{"`curl \\| jq`", curlAndJQ},
		{"json_exporter", func(ctx context.Context, r reply) (cost, error) {
			if r.gzip {
				return cost{}, errNoGzip
			}
			d, err := b.startJSONExporter(ctx, r.url)
			return readWith(ctx, d, err, countUserSeries, r.users)
		}},
	}
}

func countUsers(metrics string) int {
	n, _ := sample(metrics, "rocketchat_import_users")
	return int(n)
}

func countUserSeries(metrics string) int {
	return strings.Count(metrics, "\nrocketchat_import_user_excluded{")
}

func countBytes(metrics string) int {
	n, _ := sample(metrics, "read_bytes")
	return int(n)
}

// readWith has a daemon that was just started, unless that failed, read the
// selection, makes sure that it counted what is there, and ends it.
func readWith(ctx context.Context, d *daemon, err error, count func(metrics string) int, want int) (c cost, _ error) {
	if err != nil {
		return c, err
	}
	defer d.Stop()
	before, err := cpuTime(d.PID())
	if err != nil {
		return c, err
	}
	metrics, took, err := d.get(ctx)
	if err != nil {
		return c, err
	}
	if got := count(metrics); got != want {
		return c, fmt.Errorf("%s counted %d of %d", d.scrape, got, want)
	}
	after, err := cpuTime(d.PID())
	if err != nil {
		return c, err
	}
	c = cost{wall: took, cpu: after - before}
	c.rss, err = memory(d.PID(), peakMemory)
	return c, err
}

// coldReads are the medians of the costs by reply and contender.
type coldReads map[reply]map[string]cost

// readColdly has every contender read every reply, and prints the table.
func readColdly(ctx context.Context, h *host, b binaries, out io.Writer) (coldReads, error) {
	reads := coldReads{}
	fmt.Fprintf(out, "\n### Cold read\n\n")
	t := newTable(out, "selection", "reader", "time", "× thrown away", "CPU", "peak RSS")
	for _, size := range []struct {
		users int
		gzip  bool
	}{{1_000, false}, {100_000, false}, {1_000_000, false}, {100_000, true}, {1_000_000, true}} {
		r, err := h.serveReply(size.users, size.gzip)
		if err != nil {
			return nil, err
		}
		if reads[r], err = b.readBy(ctx, r, t); err != nil {
			return nil, err
		}
	}
	return reads, nil
}

// readBy has every contender read a reply, the one that the others are compared
// with first, and adds a row for each.
func (b binaries) readBy(ctx context.Context, r reply, t table) (map[string]cost, error) {
	reads := map[string]cost{}
	contenders := b.contenders()
	thrownAway := contenders[0].name
	for _, c := range contenders {
		read, err := c.median(ctx, r)
		reads[c.name] = read
		switch {
		case err == nil:
			t.row(r.String(), c.name, milliseconds(read.wall),
				fmt.Sprintf("%.1f", float64(read.wall)/float64(reads[thrownAway].wall)), milliseconds(read.cpu), mebibytes(read.rss))
		case errors.Is(err, context.DeadlineExceeded):
			t.row(r.String(), c.name, "over "+coldTimeout.String(), "", "", "")
		case errors.Is(err, errNotInstalled), errors.Is(err, errNoGzip):
			t.row(r.String(), c.name, err.Error(), "", "", "")
		default:
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return reads, nil
}

// String names the reply for people.
func (r reply) String() string {
	name := fmt.Sprintf("%s users, %s", thousands(r.users), mebibytes(int64(r.bytes)))
	if r.gzip {
		name += ", gzip"
	}
	return name
}

// median repeats the read, and returns the costs of the one whose time is in the
// middle, with the highest peak of all.
func (c contender) median(ctx context.Context, r reply) (cost, error) {
	var costs []cost
	var peak int64
	for start := time.Now(); len(costs) < coldRepeats && time.Since(start) < coldBudget; {
		ctx, cancel := context.WithTimeout(ctx, coldTimeout)
		read, err := c.read(ctx, r)
		cancel()
		if err != nil {
			return cost{}, err
		}
		costs = append(costs, read)
		peak = max(peak, read.rss)
	}
	slices.SortFunc(costs, func(a, b cost) int { return int(a.wall - b.wall) })
	median := costs[len(costs)/2]
	median.rss = peak
	return median, nil
}
