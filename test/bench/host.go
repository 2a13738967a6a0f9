package main

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

const (
	userID = "watcher"
	token  = "a-token-for-the-bench"
)

// host is one server with many simulated workspaces, each below a path of its own.
type host struct {
	mux    *http.ServeMux
	server *http.Server
	url    string
	meter  meter
}

func newHost() (*host, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &host{mux: http.NewServeMux(), url: "http://" + listener.Addr().String()}
	h.server = &http.Server{Handler: h.mux, ReadHeaderTimeout: 10 * time.Second}
	go h.server.Serve(meteredListener{listener, &h.meter})
	return h, nil
}

func (h *host) close() { h.server.Close() }

// add serves a workspace below a path of that name, and returns its URL. The
// handler, if there is one, answers in its place.
func (h *host) add(name string, sim *rocketchatsim.Server, handler http.Handler) string {
	if handler == nil {
		handler = sim
	}
	h.mux.Handle("/"+name+"/", handler)
	return h.url + "/" + name
}

// newSim is a workspace in which the newest import is in the given step and has
// staged so much.
func newSim(name string, generation rocketchatsim.Generation, step string, selection rocketchatsim.Selection) *rocketchatsim.Server {
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: generation, BasePath: "/" + name, RateLimit: -1})
	sim.SetUser(userID, token, rocketchatsim.RunImport)
	op := rocketchatsim.SlackOperation(step, time.Now())
	total := selection.Users + selection.Channels + selection.Messages
	op.Count = &rocketchatsim.Count{
		Total: &total, Users: &selection.Users, Channels: &selection.Channels, Messages: &selection.Messages,
		Completed: new(total / 2), Error: new(12),
	}
	sim.SetOperation(op)
	if err := sim.SetSelection(selection); err != nil {
		panic(err) // there is an operation
	}
	return sim
}

// selectionOf is a selection of so many users, as a large Slack export has it.
func selectionOf(users int) rocketchatsim.Selection {
	return rocketchatsim.Selection{
		Users: users, UsersDeleted: users / 12, UsersBot: users / 80, UsersEmailTaken: users / 160,
		Channels: users / 20, ChannelsArchived: users / 100, ChannelsPrivate: users / 60, ChannelsDirect: 1,
		Messages: users * 50,
	}
}

// meter counts the bytes that went over a server's connections, headers included.
type meter struct{ received, sent atomic.Int64 }

type meteredListener struct {
	net.Listener
	meter *meter
}

func (l meteredListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return meteredConn{conn, l.meter}, nil
}

type meteredConn struct {
	net.Conn
	meter *meter
}

func (c meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.meter.received.Add(int64(n))
	return n, err
}

func (c meteredConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.meter.sent.Add(int64(n))
	return n, err
}
