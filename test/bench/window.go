package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/config"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// windowReads is how many reads a row of the table has.
const windowReads = 200

// measureWindow prints how long after an answer of the operation was written the read of the selection
// arrives: within this time a start of the import would meet the read.
func measureWindow(ctx context.Context) {
	printTable("From the look's answer to the read's arrival", fmt.Sprintf("%d reads in each row. Both clients take turns.", windowReads),
		"connection", "cores", "client", "p50", "p99", "maximum")
	for _, secure := range []bool{false, true} {
		for _, busy := range []bool{false, true} {
			measureWindowOf(ctx, secure, busy)
		}
	}
}

func measureWindowOf(ctx context.Context, secure, busy bool) {
	s := newStandIn(secure)
	defer s.server.Close()
	name, cores := "http", "idle"
	if secure {
		name = "TLS"
	}
	if busy {
		cores = "busy"
		defer occupyCores(ctx)()
	}
	var own, naive latencies
	for range windowReads {
		own = append(own, s.window(ctx, func(l *client.Look) error {
			_, err := l.FileData(ctx, func() {})
			return err
		})...)
		naive = append(naive, s.window(ctx, func(l *client.Look) error {
			l.Close()
			_, err := s.client.FileData(ctx)
			return err
		})...)
	}
	for _, row := range []struct {
		client string
		took   latencies
	}{{"this exporter", own}, {"a new connection for each request", naive}} {
		printRow(name, cores, row.client, precise(row.took.at(0.5)), precise(row.took.at(0.99)), precise(row.took.at(1)))
	}
}

func precise(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1e3) }

// occupyCores keeps all cores busy, with one process each, until stop is called.
func occupyCores(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for range runtime.NumCPU() {
		all.Go(func() { exec.CommandContext(ctx, "sh", "-c", "while :; do :; done").Run() })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// standIn answers both endpoints, and measures the time between them.
type standIn struct {
	server  *httptest.Server
	client  *client.Client
	windows chan time.Duration

	answered atomic.Pointer[time.Time] // when the operation's answer was about to be written
}

func newStandIn(secure bool) *standIn {
	s := &standIn{windows: make(chan time.Duration, 1)}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.answer))
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	cfg := client.Config{UserID: userID, Token: token, HTTP: config.DefaultHTTPClientConfig}
	if secure {
		s.server.StartTLS()
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw})
		cfg.HTTP.TLSConfig = config.TLSConfig{CA: string(ca)}
	} else {
		s.server.Start()
	}
	cfg.URL = must(url.Parse(s.server.URL))
	s.client = must(client.New(cfg))
	return s
}

// answer serves both endpoints.
func (s *standIn) answer(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	body := `{"success":true,"waiting":true}`
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if path.Base(r.URL.Path) == rocketchatsim.GetImportFileData {
		s.windows <- arrived.Sub(*s.answered.Load())
	} else {
		s.answered.Store(new(time.Now()))
	}
	io.WriteString(w, body)
}

// window looks, reads, and returns how long after the look's answer the read arrived, if it was sent.
func (s *standIn) window(ctx context.Context, read func(*client.Look) error) latencies {
	err := read(must(s.client.Look(ctx)))
	if errors.Is(err, client.ErrNotSent) {
		return nil
	}
	check(err)
	return latencies{<-s.windows}
}
