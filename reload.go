package main

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
)

// errNoFile says that there is nothing to read again.
var errNoFile = errors.New("there is no --" + configFileFlag + " to read again")

// loads keeps loads of the configuration apart, and shows what the last came to.
type loads struct {
	mu             sync.Mutex
	successful, at prometheus.Gauge
}

// newLoads registers its metrics with own if there is a file that can be read again.
func newLoads(own *prometheus.Registry, file bool) *loads {
	l := &loads{
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: name + "_config_last_reload_successful",
			Help: "1 if the configuration file was good when it was last read.",
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: name + "_config_last_reload_success_timestamp_seconds",
			Help: "When a good configuration file was last read.",
		}),
	}
	if file {
		own.MustRegister(l.successful, l.at)
	}
	return l
}

// done notes what a load came to.
func (l *loads) done(err error) {
	if err != nil {
		l.successful.Set(0)
		return
	}
	l.successful.Set(1)
	l.at.Set(float64(time.Now().UnixMilli()) / 1000)
}

// load reads the configuration and watches what it names from now on; or goes
// on as before, if there is an error.
func (e *exporter) load() error {
	e.loads.mu.Lock()
	defer e.loads.mu.Unlock()
	configs, err := e.settings.workspaces()
	if err == nil {
		err = e.set.Apply(configs)
		switch {
		case err != nil && e.settings.configFile != "":
			err = blame(configFileFlag, err)
		case err != nil:
			err = blameSetting(err)
		}
	}
	e.loads.done(err)
	return err
}

// reload loads the configuration file again, and logs what that came to.
func (e *exporter) reload() error {
	if e.settings.configFile == "" {
		level.Warn(e.logger).Log("msg", "nothing to reload", "err", errNoFile)
		return errNoFile
	}
	if err := e.load(); err != nil {
		level.Error(e.logger).Log("msg", "the configuration file cannot be used; the exporter goes on with the one before", "err", err)
		return err
	}
	level.Info(e.logger).Log("msg", "the configuration file was read again", "workspaces", len(e.set.All()))
	return nil
}

// reloadOnSignal reloads on each SIGHUP until stop is called.
func (e *exporter) reloadOnSignal() (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range hangups {
			e.reload() // which logs what is to be said
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-ended
	}
}
