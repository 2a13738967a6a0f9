package main

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/config"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

// windowReads is how many reads a row of the table has.
const windowReads = 200

// measureWindow prints how long after an answer of the operation was written the read of the
// selection arrives: within this time a start of the import would meet the read.
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
		defer occupyCores()()
	}
	var own, naive latencies
	for range windowReads {
		s.look(ctx, func(l *client.Look) {
			must(l.FileData(ctx, func() {}))
		})
		own = append(own, <-s.windows)
		s.look(ctx, func(l *client.Look) {
			l.Close()
			must(s.client.FileData(ctx))
		})
		naive = append(naive, <-s.windows)
	}
	for _, row := range []struct {
		client string
		took   latencies
	}{{"this exporter", own}, {"a new connection for each request", naive}} {
		printRow(name, cores, row.client, precise(row.took.at(0.5)), precise(row.took.at(0.99)), precise(row.took.at(1)))
	}
}

func precise(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1e3) }

// occupyCores keeps all cores busy until it is told to stop.
func occupyCores() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range runtime.NumCPU() {
		all.Go(func() {
			for ctx.Err() == nil {
			}
		})
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

	mu       sync.Mutex
	answered time.Time // when the operation's answer was written
}

func newStandIn(secure bool) *standIn {
	s := &standIn{windows: make(chan time.Duration, 1)}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.answer))
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.Listener = standInListener{s.server.Listener, s}
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
