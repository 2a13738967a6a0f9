package watch

import (
	"time"

	"rocketchat_import_exporter/client"
)

// The bounds on how long no call is made after a 429.
const (
	backoffUnknown = time.Minute     // where the server does not say
	backoffMost    = 2 * time.Minute // since it is the server's clock that says
)

// backoff keeps endpoints that answered 429 from being called too early. It is
// not safe for concurrent use.
type backoff map[client.Endpoint]time.Time

// until makes no call of endpoint before reset, within bounds. The pause runs by the monotonic clock
// of now: a wall clock that is set back does not prolong it.
func (b backoff) until(endpoint client.Endpoint, reset, now time.Time) {
	pause := reset.Sub(now)
	if pause <= 0 {
		pause = backoffUnknown
	}
	b[endpoint] = now.Add(min(pause, backoffMost))
}

// active reports whether endpoint must not be called now.
func (b backoff) active(endpoint client.Endpoint, now time.Time) bool {
	return now.Before(b[endpoint])
}
