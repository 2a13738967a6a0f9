// Package workspaces keeps the workspaces that are watched, by name, and swaps
// them while scrapes go on.
package workspaces

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/collector"
	"rocketchat_import_exporter/internal/config"
	"rocketchat_import_exporter/internal/watch"
)

// Entry is one workspace of a [Set].
type Entry struct {
	// Name is the name of the workspace in the configuration file.
	Name string
	// Config is what it was started with.
	Config config.Workspace
	*watch.Watcher
	// API counts the watcher's calls.
	API *collector.API

	client   *client.Client
	stopPoll context.CancelFunc
	polling  sync.WaitGroup
	scrapes  sync.WaitGroup // that use it
}

// Set is the workspaces that are watched now. It is safe for concurrent use.
type Set struct {
	userAgent string
	logger    log.Logger
	ctx       context.Context // of all calls
	cancel    context.CancelFunc
	stopping  sync.WaitGroup // workspaces that have gone

	mu     sync.Mutex
	byName map[string]*Entry
	known  map[identity]known // of all workspaces that ever were in the set
}

// identity is what makes two configurations those of the same workspace.
type identity struct{ name, url string }

// known is what is known of a workspace. It outlives its entries.
type known struct {
	memory *watch.Memory
	api    *collector.API
}

// NewSet returns a set of no workspaces.
func NewSet(userAgent string, logger log.Logger) *Set {
	ctx, cancel := context.WithCancel(context.Background())
	return &Set{userAgent: userAgent, logger: logger, ctx: ctx, cancel: cancel, byName: map[string]*Entry{}, known: map[identity]known{}}
}

// Apply replaces the set with the workspaces in configs. On error the set is unchanged. What is
// known of a workspace belongs to its name and URL, also while it is not in the set. An entry that is
// gone, or was replaced, ends once the scrapes that use it and its read have ended.
func (s *Set) Apply(configs map[string]config.Workspace) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := make(map[string]*Entry, len(configs))
	for name, cfg := range configs {
		if old := s.byName[name]; old != nil && reflect.DeepEqual(old.Config, cfg) {
			old.Expire()
			next[name] = old
			continue
		}
		e, err := s.newEntry(name, cfg)
		if err != nil {
			return fmt.Errorf("workspace %s: %w", name, err)
		}
		next[name] = e
	}
	for index, name := range slices.Sorted(maps.Keys(next)) {
		if e := next[name]; e.Watcher == nil {
			k := s.known[e.identity()]
			if k.memory == nil {
				k = known{watch.NewMemory(log.With(s.logger, "workspace", e.Name), watch.MaxTook), e.API}
				s.known[e.identity()] = k
			}
			e.Watcher = watch.New(s.ctx, e.client, e.Config, k.memory, time.Now)
			e.poll(s.ctx, index, len(next))
			s.warn(e)
		}
	}
	for name, old := range s.byName {
		if next[name] != old {
			s.stopping.Go(old.stop)
		}
	}
	s.byName = next
	return nil
}

// newEntry returns an entry that nothing watches yet, so that nothing has to be
// ended if another configuration is wrong.
func (s *Set) newEntry(name string, cfg config.Workspace) (*Entry, error) {
	e := &Entry{Name: name, Config: cfg}
	e.API = cmp.Or(s.known[e.identity()].api, collector.NewAPI())
	var err error
	logger := level.Debug(log.With(s.logger, "workspace", name))
	e.client, err = cfg.Client(s.userAgent, func(call client.Call) {
		e.API.Observe(call)
		logger.Log("msg", "asked Rocket.Chat", "endpoint", call.Endpoint, "status", call.Status, "duration", call.Duration, "bytes", call.Bytes)
	})
	return e, err
}

// poll lets the k-th of n workspaces look by itself, so that they do not all look at once.
func (e *Entry) poll(ctx context.Context, k, n int) {
	ctx, e.stopPoll = context.WithCancel(ctx)
	e.polling.Go(func() {
		e.Poll(ctx, e.Config.PollInterval+e.Config.PollInterval*time.Duration(k)/time.Duration(n), time.After)
	})
}

func (e *Entry) identity() identity { return identity{e.Name, e.Config.URL.String()} }

// stop ends a workspace once no scrape uses it. A read that was sent goes on: nothing calls it back.
func (e *Entry) stop() {
	e.stopPoll()
	e.polling.Wait()
	e.scrapes.Wait()
	e.Finish()
}

// warn logs the settings of a new workspace that may expose the token or harm an import.
func (s *Set) warn(e *Entry) {
	logger := level.Warn(log.With(s.logger, "workspace", e.Name))
	if e.Config.URL.Scheme == "http" && !Loopback(e.Config.URL.Hostname()) {
		logger.Log("msg", "the token goes to Rocket.Chat over plain http, where anyone on the way can read it; use https", "url", e.Config.URL)
	}
	if e.Config.FileData == config.Unguarded {
		logger.Log("msg", e.Config.SettingName(config.SettingFileData.Key)+"=unguarded calls getImportFileData at every scrape: THIS WIPES A RUNNING IMPORT; use it only where nothing but this endpoint can be reached")
	}
}

// Loopback reports whether a host, without its port, is this machine itself. No name below localhost
// leads anywhere else.
func Loopback(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// Use returns the workspace of that name, or nil. It stays as it is, even if
// it is taken out of the set, until release is called.
func (s *Set) Use(name string) (e *Entry, release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e = s.byName[name]
	if e == nil {
		return nil, func() {}
	}
	e.scrapes.Add(1)
	return e, e.scrapes.Done
}

// All returns the workspaces, sorted by name.
func (s *Set) All() []*Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.byName), func(a, b *Entry) int { return strings.Compare(a.Name, b.Name) })
}

// Close ends all workspaces. A scrape that still waits for an answer fails.
func (s *Set) Close() {
	s.cancel()
	s.Apply(nil) // of nothing, which cannot fail
	s.stopping.Wait()
}
