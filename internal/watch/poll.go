package watch

import (
	"context"
	"time"

	"rocketchat_import_exporter/internal/config"
)

// UnscrapedAfter is how long after the last scrape nobody scrapes any more.
const UnscrapedAfter = 5 * time.Minute

// Poll looks by itself every poll interval while nobody scrapes, until ctx ends. The first look comes
// after first. after is [time.After] except in tests. It returns at once in the mode unguarded, where
// a look may wipe an import.
func (w *Watcher) Poll(ctx context.Context, first time.Duration, after func(time.Duration) <-chan time.Time) {
	if w.cfg.PollInterval <= 0 || w.cfg.FileData == config.Unguarded {
		return
	}
	for pause := first; ; pause = w.cfg.PollInterval {
		select {
		case <-after(pause):
		case <-ctx.Done():
			return
		}
		if w.unscraped() {
			w.look(ctx, 0, true)
		}
	}
}

// unscraped reports whether nobody scrapes.
func (w *Watcher) unscraped() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status.Scraped.IsZero() || w.now().Sub(w.status.Scraped) >= UnscrapedAfter
}
