package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

const (
	userID = "watcher"
	token  = "a-token-for-the-soak"
	// How many workspaces hang, and how many refuse the token.
	hanging, refusing = 5, 5
)

// host is one server with many simulated workspaces, each below a path of its own.
type host struct {
	sims   []*rocketchatsim.Server
	server *http.Server
	url    string
}

// newHost starts workspaces whose imports play in different ways, each of them
// at another point. The last ones but the very last hang or refuse.
func newHost(n int) (*host, error) {
	scripts := []rocketchatsim.Script{
		rocketchatsim.Slack(), rocketchatsim.Stall(time.Minute), rocketchatsim.Restart(), rocketchatsim.Failure(),
	}
	mux := http.NewServeMux()
	generations := rocketchatsim.Generations()
	h := &host{server: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}}
	for i := range n {
		sim := rocketchatsim.New(rocketchatsim.Config{
			Generation: generations[i%len(generations)], BasePath: "/" + name(i),
		})
		sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
		sim.Start(scripts[i%len(scripts)], 0.5+float64(i%20)/10)
		h.sims = append(h.sims, sim)
		mux.Handle("/"+name(i)+"/", sim)
		switch last := n - 2 - i; {
		case last >= 0 && last < hanging:
			mux.HandleFunc("/"+name(i)+"/api/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		case last >= 0 && last < hanging+refusing:
			sim.SetToken(userID, "another")
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h.url = "http://" + listener.Addr().String()
	go h.server.Serve(listener)
	return h, nil
}

// hangs reports whether a workspace hangs, of n that are watched at first.
func hangs(workspace string, n int) bool {
	for i := n - hanging; i < n; i++ {
		if workspace == name(i) {
			return true
		}
	}
	return false
}

func (h *host) close() { h.server.Close() }

// writeConfig writes the exporter's file, with the workspaces from first up to end.
func (h *host) writeConfig(dir string, first, end int) error {
	var b strings.Builder
	b.WriteString("workspaces:\n")
	for i := first; i < end; i++ {
		fmt.Fprintf(&b, "  %s:\n    url: %s/%s\n    user_id: %s\n    auth_token: %s\n", name(i), h.url, name(i), userID, token)
	}
	return os.WriteFile(filepath.Join(dir, "config.yml"), []byte(b.String()), 0o600)
}

// destructive is how many calls harmed an import.
func (h *host) destructive() (n int) {
	for _, sim := range h.sims {
		n += sim.Destructive()
	}
	return n
}
