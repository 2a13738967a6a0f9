package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// exportReloads exports the result of the last load of the configuration file.
func (e *exporter) exportReloads() {
	factory := promauto.With(e.registry)
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: name + "_config_last_reload_successful",
		Help: "1 if the last load of the configuration file succeeded, 0 otherwise. Absent without --config.file.",
	}, func() float64 {
		if *e.rejected.Load() != nil {
			return 0
		}
		return 1
	})
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: name + "_config_last_reload_success_timestamp_seconds",
		Help: "Unix time of the last successful load of the configuration file. Absent without --config.file.",
	}, func() float64 { return float64(e.succeeded.Load()) / 1e9 })
}

// load watches the workspaces that the configuration file names. On error the exporter watches the
// same workspaces as before. The lock is held, or nothing else runs yet.
func (e *exporter) load(r file) error {
	e.loaded, e.seen = r, r
	configs, err := e.flags.workspaces(r)
	if err == nil {
		err = e.set.Apply(configs)
		switch {
		case err != nil && e.flags.many():
			err = flagError(configFileFlag, err)
		case err != nil:
			err = settingError(err)
		}
	}
	e.rejected.Store(&err)
	if err == nil {
		e.succeeded.Store(time.Now().UnixNano())
	}
	return err
}

// reload loads the configuration file again, and logs the result.
func (e *exporter) reload() error {
	if !e.flags.many() {
		err := errors.New("there is no --" + configFileFlag + " to read again")
		level.Warn(e.logger).Log("msg", "nothing to reload", "err", err)
		return err
	}
	e.loading.Lock()
	defer e.loading.Unlock()
	return e.reloadFrom(e.flags.readFile())
}

// reloadFrom loads what was read of the configuration file, and logs the result. The lock is held.
func (e *exporter) reloadFrom(r file) error {
	if err := e.load(r); err != nil {
		level.Error(e.logger).Log("msg", "the configuration file cannot be used; the exporter keeps the last good one", "err", err)
		return err
	}
	level.Info(e.logger).Log("msg", "reloaded the configuration file", "workspaces", len(e.set.All()))
	return nil
}

// reloadIfChanged reloads if the configuration file differs from the one that was last loaded or
// rejected, and two readings of it agree: somebody may be writing it just now.
func (e *exporter) reloadIfChanged() {
	e.loading.Lock()
	defer e.loading.Unlock()
	before := e.seen
	e.seen = e.flags.readFile()
	if e.seen.equal(before) && !e.seen.equal(e.loaded) {
		e.reloadFrom(e.seen) // logs its error
	}
}

// startReloading reloads on each SIGHUP and, if it is turned on, when the configuration file
// changes. It does so until ctx ends, which the returned function waits for.
func (e *exporter) startReloading(ctx context.Context) (wait func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	var ticks <-chan time.Time // never comes
	if e.flags.many() && e.flags.reloadInterval > 0 {
		ticks = time.Tick(e.flags.reloadInterval)
	}
	var running sync.WaitGroup
	running.Go(func() {
		defer signal.Stop(hangups)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
				e.reload() // logs its error
			case <-ticks:
				e.reloadIfChanged()
			}
		}
	})
	return running.Wait
}
