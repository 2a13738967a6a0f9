package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// A read is repeated coldRepeats times, but not after coldBudget.
const (
	coldRepeats = 7
	coldBudget  = 10 * time.Second
)

// reply is a large reply of getImportFileData that a workspace serves.
type reply struct {
	users, bytes int
	gzip         bool
	url          string
}

// reader is a way to read a selection. It counts the users, or the bytes.
type reader struct {
	name string
	read func(context.Context, reply) cost
}

// cost is what something cost a program, such as reading a selection.
type cost struct {
	wall, cpu time.Duration
	rss       int // bytes, of the whole process, mostly at their peak
	counted   int // users, or what else there were many of
}

// readColdly has this exporter, and what people would use instead, read large selections. It returns what
// the replies without gzip cost this exporter, smallest first.
func readColdly(ctx context.Context, h *host, b binaries) (own []cost) {
	const usersMetric = "rocketchat_import_users"
	readers := []reader{
		{"read and thrown away", scrapeWith(b.naive, "read_bytes", "--throw-away")},
		{"this exporter", scrapeWith(b.exporter, usersMetric, "--rocketchat.timeout=1m")},
		{"naive exporter", scrapeWith(b.naive, usersMetric)},
	}
	if _, err := exec.LookPath("jq"); err == nil {
		readers = append(readers, reader{"`curl \\| jq`", curlAndJQ})
	}
	printTable("Cold read", "Each reader is started anew and asked once.", "selection", "reader", "time", "× thrown away", "CPU", "peak RSS")
	for _, r := range []reply{{users: 1_000}, {users: 100_000}, {users: 1_000_000}, {users: 100_000, gzip: true}, {users: 1_000_000, gzip: true}} {
		h.serve(&r)
		name := fmt.Sprintf("%s users, %s", thousands(r.users), mebibytes(r.bytes))
		if r.gzip {
			name += ", gzip"
		}
		costs := make([]cost, len(readers))
		for i, reader := range readers {
			costs[i] = reader.median(ctx, r)
			c, times := costs[i], float64(costs[i].wall)/float64(costs[0].wall)
			printRow(name, reader.name, milliseconds(c.wall), fmt.Sprintf("%.1f", times), milliseconds(c.cpu), mebibytes(c.rss))
		}
		if !r.gzip {
			own = append(own, costs[1])
		}
	}
	return own
}

// serve serves the reply. It is made once: making it would cost more than reading it.
func (h *host) serve(r *reply) {
	name := fmt.Sprintf("cold-%d-%t", r.users, r.gzip)
	sim := newWorkspace(name, rocketchatsim.Latest, rocketchatsim.StepUserSelection, r.users)
	request := httptest.NewRequest(http.MethodGet, "/"+name+"/api/v1/"+rocketchatsim.GetImportFileData, nil)
	request.Header.Set("X-User-Id", userID)
	request.Header.Set("X-Auth-Token", token)
	made := httptest.NewRecorder()
	sim.ServeHTTP(made, request)
	body := made.Body.Bytes()
	r.bytes = len(body)
	if r.gzip {
		var packed bytes.Buffer
		w := must(gzip.NewWriterLevel(&packed, gzip.BestSpeed)) // as a proxy does by default
		w.Write(body)
		w.Close()
		body = packed.Bytes()
	}
	r.url = h.add(name, sim)
	h.mux.HandleFunc(request.URL.Path, func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), made.Header()) // among them the instance, which is that of the look
		// Without it Go sends chunks. Rocket.Chat does not: it knows the length.
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		if r.gzip {
			w.Header().Set("Content-Encoding", "gzip")
		}
		w.Write(body)
	})
}

// median repeats the read and returns the one whose time is in the middle, with the highest peak.
func (r reader) median(ctx context.Context, from reply) cost {
	var costs []cost
	peak := 0
	for start := time.Now(); len(costs) < coldRepeats && time.Since(start) < coldBudget; {
		c := r.read(ctx, from)
		if c.counted != from.users && c.counted != from.bytes {
			check(fmt.Errorf("%s counted %d of %d", r.name, c.counted, from.users))
		}
		costs = append(costs, c)
		peak = max(peak, c.rss)
	}
	slices.SortFunc(costs, func(a, b cost) int { return int(a.wall - b.wall) })
	median := costs[len(costs)/2]
	median.rss = peak
	return median
}

// scrapeWith reads with an exporter that shows what it counted in a metric.
func scrapeWith(binary, metric string, args ...string) func(context.Context, reply) cost {
	return func(ctx context.Context, r reply) cost {
		e := watch(ctx, binary, r.url, args...)
		defer e.Stop()
		before := e.cpuTime()
		metrics, took := e.scrape(ctx)
		return cost{wall: took, cpu: e.cpuTime() - before, rss: e.peakMemory(), counted: int(sample(metrics, metric))}
	}
}

// curlAndJQ reads with a line for a shell. Linux would count the bench's memory as a peak of its children,
// so jq, which still holds the reply, prints its own: the second number of statm, in pages.
func curlAndJQ(ctx context.Context, r reply) (c cost) {
	shell := exec.CommandContext(ctx, "sh", "-c", `curl -sSf --compressed -H "X-User-Id: $USER_ID" -H "X-Auth-Token: $TOKEN" "$URL" |
		jq -n 'input as $reply | ($reply.users | length), [inputs][1]' /dev/stdin /proc/self/statm`)
	shell.Env = append(os.Environ(), "USER_ID="+userID, "TOKEN="+token, "URL="+r.url+"/api/v1/"+rocketchatsim.GetImportFileData)
	start := time.Now()
	out := must(shell.Output())
	c.wall = time.Since(start)
	c.cpu = shell.ProcessState.UserTime() + shell.ProcessState.SystemTime()
	_, err := fmt.Sscan(string(out), &c.counted, &c.rss)
	check(err)
	c.rss *= os.Getpagesize()
	return c
}
