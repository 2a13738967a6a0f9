package watch

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func everyThirtySeconds(w *config.Workspace) { w.PollInterval = 30 * time.Second }

// poll lets the watcher look by itself for that long, and scrapes at these times. It returns when
// Rocket.Chat was called.
func (r *rig) poll(t *testing.T, first, d time.Duration, scrapes ...time.Duration) (calls []time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	seen, began := r.Sim.Requests(rocketchatsim.GetCurrentImportOperation), r.Clock.Now()
	count := func() {
		if n := r.Sim.Requests(rocketchatsim.GetCurrentImportOperation); n > seen {
			seen, calls = n, append(calls, r.Clock.Now().Sub(began))
		}
	}
	r.Poll(ctx, first, func(pause time.Duration) <-chan time.Time {
		count()
		end := r.Clock.Now().Add(pause)
		for len(scrapes) > 0 && !began.Add(scrapes[0]).After(end) {
			r.Clock.Advance(began.Add(scrapes[0]).Sub(r.Clock.Now()))
			r.scrape()
			count()
			scrapes = scrapes[1:]
		}
		r.Clock.Advance(end.Sub(r.Clock.Now()))
		if r.Clock.Now().Sub(began) > d {
			cancel()
			return nil
		}
		due := make(chan time.Time, 1)
		due <- end
		return due
	})
	return calls
}

func TestItLooksByItselfWhileNobodyScrapes(t *testing.T) {
	const s, min = time.Second, time.Minute
	every := func(d, from, to time.Duration) (all []time.Duration) {
		for at := from; at <= to; at += d {
			all = append(all, at)
		}
		return all
	}
	for name, c := range map[string]struct {
		first   time.Duration
		scrapes []time.Duration
		calls   []time.Duration
	}{
		"from its first look on":                         {45 * s, nil, every(30*s, 45*s, 10*min)},
		"never, where it is scraped":                     {30 * s, every(min, 20*s, 10*min), every(min, 20*s, 10*min)},
		"never within 5 minutes of a scrape":             {30 * s, []time.Duration{10 * s, 5 * min}, []time.Duration{10 * s, 5 * min, 10 * min}},
		"again when none came for 5 minutes":             {30 * s, []time.Duration{10 * s}, slices.Concat([]time.Duration{10 * s}, every(30*s, 5*min+30*s, 10*min))},
		"not after a scrape that took the answer it had": {30 * s, []time.Duration{31 * s}, slices.Concat([]time.Duration{30 * s}, every(30*s, 6*min, 10*min))},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRigIn(t, rocketchatsim.StepImportingUsers, everySevenSeconds, everyThirtySeconds)
			assert.Equal(t, c.calls, r.poll(t, c.first, 10*min, c.scrapes...))
		})
	}
}

func TestOwnLooksAreNoScrapes(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportingUsers, everyThirtySeconds)
	r.Sim.SetToken(simtest.UserID, "another")
	assert.Len(t, r.poll(t, 0, time.Minute), 3)
	assert.True(t, r.Status().Failing)
	assert.Zero(t, r.Status().Scraped)
	r.Sim.SetToken(simtest.UserID, simtest.Token)
	assert.Empty(t, r.scrape().Failures)
}

func TestItNeverLooksByItselfWhereThatMayWipeAnImport(t *testing.T) {
	for name, change := range map[string]func(*config.Workspace){"unguarded": simtest.InMode(config.Unguarded), "0s": func(w *config.Workspace) { w.PollInterval = 0 }} {
		r := newRigIn(t, rocketchatsim.StepImportingUsers, everyThirtySeconds, change)
		assert.Empty(t, r.poll(t, 0, time.Hour), name)
		assert.Zero(t, r.Reads(), name)
	}
}

func TestInEachScrapeOwnLooksReadOnlyWhatHasChanged(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepUserSelection, everyThirtySeconds, simtest.InMode(config.EachScrape))
	assert.Len(t, r.poll(t, 0, time.Minute), 3)
	assert.Equal(t, 1, r.Reads())
	r.scrape()
	assert.Equal(t, 2, r.Reads())
}

func TestAnEndedPollLooksNoMore(t *testing.T) {
	r := newRigIn(t, rocketchatsim.StepImportingUsers, everyThirtySeconds)
	arrived, release := r.Sim.Hold(rocketchatsim.GetCurrentImportOperation)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	r.Poll(ctx, 0, func(time.Duration) <-chan time.Time {
		if ctx.Err() != nil {
			return nil
		}
		due := make(chan time.Time, 1)
		due <- time.Time{}
		return due
	})
	assert.False(t, r.Status().Failing)
}
