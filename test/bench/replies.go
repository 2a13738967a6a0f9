package main

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

// reply is a large reply of getImportFileData, and where it is served.
type reply struct {
	users int
	gzip  bool
	bytes int // of the JSON
	url   string
}

// serveReply has the host serve a selection of so many users. It is made once:
// making it anew would cost more than reading it does.
func (h *host) serveReply(users int, compressed bool) (reply, error) {
	name := "cold-" + strconv.Itoa(users)
	if compressed {
		name += "-gzip"
	}
	sim := newSim(name, rocketchatsim.Latest, rocketchatsim.StepUserSelection, selectionOf(users))
	request, err := http.NewRequest(http.MethodGet, "/"+name+"/api/v1/"+rocketchatsim.GetImportFileData, nil)
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("X-User-Id", userID)
	request.Header.Set("X-Auth-Token", token)
	made := page{header: http.Header{}}
	sim.ServeHTTP(&made, request)
	size := made.body.Len()
	if compressed {
		if err := made.compress(); err != nil {
			return reply{}, err
		}
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, rocketchatsim.GetImportFileData) {
			made.serve(w)
			return
		}
		sim.ServeHTTP(w, r)
	})
	return reply{users: users, gzip: compressed, bytes: size, url: h.add(name, sim, handler)}, nil
}

// page is an answer that is kept to be served again. It is an [http.ResponseWriter].
type page struct {
	header http.Header
	body   bytes.Buffer
}

func (p *page) Header() http.Header               { return p.header }
func (p *page) Write(content []byte) (int, error) { return p.body.Write(content) }
func (p *page) WriteHeader(int)                   {}

// compress compresses it as fast as a proxy would by default.
func (p *page) compress() error {
	var compressed bytes.Buffer
	w, err := gzip.NewWriterLevel(&compressed, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := w.Write(p.body.Bytes()); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	p.body = compressed
	p.header.Set("Content-Encoding", "gzip")
	return nil
}

func (p *page) serve(w http.ResponseWriter) {
	for name, values := range p.header {
		w.Header()[name] = values
	}
	// Without it Go chunks, as Rocket.Chat does not: it knows the length.
	w.Header().Set("Content-Length", strconv.Itoa(p.body.Len()))
	w.Write(p.body.Bytes())
}
