package client

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheSelectionIsReadOverTheConnectionOfTheLook(t *testing.T) {
	from := make(chan string, 10)
	handler := func(w http.ResponseWriter, r *http.Request) {
		from <- r.RemoteAddr
		answer(200, both, "X-Instance-ID", "i1")(w, r)
	}
	secure := serveTLS(t, handler)
	for _, url := range []string{serve(t, handler), secure.URL} {
		l := look(t, newClient(t, url, trust(secure)))
		assert.Equal(t, "i1", l.Instance)
		written := 0
		got, err := l.FileData(t.Context(), func() { written++ })
		require.NoError(t, err)
		assert.Equal(t, FileData{Waiting: true, Instance: "i1"}, got)
		assert.Equal(t, 1, written)
		assert.Equal(t, <-from, <-from)
		_, err = l.FileData(t.Context(), func() { written++ })
		require.ErrorIs(t, err, ErrNotSent, "one look leads to one read")
		assert.Equal(t, 2, written)
	}
	assert.Empty(t, from)
}

func TestALookOfASecondAgoLeadsToNoRead(t *testing.T) {
	l := look(t, newClient(t, serve(t, answer(200, both))))
	l.exchange.asked.monotonic = l.exchange.asked.monotonic.Add(-time.Second)
	_, err := l.FileData(t.Context(), func() {})
	require.ErrorIs(t, err, ErrNotSent)
	assert.ErrorContains(t, err, findings[stoodStill].cause)
}
