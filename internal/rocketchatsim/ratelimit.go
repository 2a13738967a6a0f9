package rocketchatsim

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// rateLimiter allows limit calls per window, endpoint and client address. A window
// starts with the first call in it.
type rateLimiter struct {
	limit   int
	window  time.Duration
	windows map[caller]*window
}

type caller struct{ address, endpoint string }

type window struct {
	ends  time.Time
	calls int
}

// take counts one call, sets the three X-RateLimit headers and says how long the
// caller has to wait: 0 if the call is allowed.
func (l *rateLimiter) take(endpoint string, r *http.Request, now time.Time, header http.Header) time.Duration {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	key := caller{address, endpoint}
	w := l.windows[key]
	if w == nil || !now.Before(w.ends) {
		w = &window{ends: now.Add(l.window)}
		l.windows[key] = w
	}
	w.calls++
	header.Set("X-RateLimit-Limit", strconv.Itoa(l.limit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, l.limit-w.calls)))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(w.ends.UnixMilli(), 10))
	if w.calls <= l.limit {
		return 0
	}
	return w.ends.Sub(now)
}
