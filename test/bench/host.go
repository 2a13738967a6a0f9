package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"rocketchat_import_exporter/client"
	"rocketchat_import_exporter/internal/rocketchatsim"
)

const (
	userID = "watcher"
	token  = "a-token-for-the-bench"
)

// host is one server with many simulated workspaces. It counts requests, and bytes with their headers.
type host struct {
	mux                      *http.ServeMux
	server                   *http.Server
	url                      string
	requests, received, sent atomic.Int64
}

func newHost() *host {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	h := &host{mux: http.NewServeMux(), url: "http://" + listener.Addr().String()}
	h.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.requests.Add(1)
		h.mux.ServeHTTP(w, r)
	})}
	go h.server.Serve(meteredListener{listener, h})
	return h
}

// add serves a workspace and returns its URL.
func (h *host) add(name string, workspace http.Handler) string {
	h.mux.Handle("/"+name+"/", workspace)
	return h.url + "/" + name
}

// writeConfig writes the exporter's configuration file.
func (h *host) writeConfig(file string, names []string) {
	text := []byte("workspaces:\n")
	for _, name := range names {
		text = fmt.Appendf(text, "  %[1]s: {url: %[2]s/%[1]s, user_id: %[3]s, auth_token: %[4]s}\n", name, h.url, userID, token)
	}
	check(os.WriteFile(file, text, 0o600))
}

// names are n names of workspaces.
func names(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(prefix, i))
	}
	return all
}

// newWorkspace has an import in a step, with as many users and all else that a large Slack export has.
func newWorkspace(name string, generation rocketchatsim.Generation, step string, users int) *rocketchatsim.Server {
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: generation, BasePath: "/" + name, RateLimit: -1})
	sim.SetUser(userID, token, rocketchatsim.RunImport)
	selection := rocketchatsim.Selection{
		Users: users, UsersDeleted: users / 12, UsersBot: users / 80, UsersEmailTaken: users / 160,
		Channels: users / 20, ChannelsArchived: users / 100, ChannelsPrivate: users / 60, ChannelsDirect: 1,
		Messages: users * 50,
	}
	total := selection.Users + selection.Channels + selection.Messages
	op := rocketchatsim.SlackOperation(step, time.Now())
	op.Count = &rocketchatsim.Count{
		Total: &total, Users: &selection.Users, Channels: &selection.Channels, Messages: &selection.Messages,
	}
	if s := client.Step(step); s.Running() || s == client.StepDone { // else the exporter takes it for an import that was set back
		op.Count.Completed, op.Count.Error = new(total/2), new(12)
	}
	sim.SetOperation(op)
	check(sim.SetSelection(selection))
	return sim
}

type meteredListener struct {
	net.Listener
	host *host
}

func (l meteredListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return meteredConn{conn, l.host}, err
}

type meteredConn struct {
	net.Conn
	host *host
}

func (c meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.host.received.Add(int64(n))
	return n, err
}

func (c meteredConn) Write(p []byte) (int, error) {
	c.host.sent.Add(int64(len(p))) // first: the client may have it all before Write returns
	return c.Conn.Write(p)
}
