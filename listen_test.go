package main

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The read timeout has a test on a socket. An idle connection ends after it, too, unless there is an
// idle timeout: then Prometheus would connect anew for each scrape.
func TestAConnectionIsKeptBetweenTwoScrapesButNotForever(t *testing.T) {
	server := newServer(http.NotFoundHandler(), slog.DiscardHandler)
	assert.Greater(t, server.IdleTimeout, time.Minute, "the longest usual time between two scrapes")
	assert.Less(t, server.IdleTimeout, time.Hour)
}
