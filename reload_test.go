package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-kit/log"
)

func TestReloadIfChanged(t *testing.T) {
	const url = "http://localhost:3000"
	one, two := "workspaces:\n"+entry("one", url), "workspaces:\n"+entry("one", url)+entry("two", url)
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yml")
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to string) { // as Kubernetes changes a ConfigMap
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, "new")); err != nil {
			t.Fatal(err)
		}
		rename("new", "config.yml")
	}

	write("config.yml", one)
	f, err := parseFlags([]string{"--config.file=" + path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	e, err := newExporter(f, log.NewLogfmtLogger(&lines))
	if err != nil {
		t.Fatal(err)
	}
	defer e.set.Close()
	steps := []struct {
		name       string
		change     func()
		workspaces int
		log        string // of the one line; empty if there is none
	}{
		{"nothing", func() {}, 1, ""},
		{"the content", func() { write("config.yml", two) }, 2, "reloaded"},
		{"nothing after a reload", func() {}, 2, ""},
		{"the time alone", func() { write("config.yml", two) }, 2, ""},
		{"an editor's rename", func() { write("draft", one); rename("draft", "config.yml") }, 1, "reloaded"},
		{"the link of a ConfigMap", func() { write("data", two); link("data") }, 2, "reloaded"},
		{"the link, with the same content", func() { write("data2", two); link("data2") }, 2, ""},
		{"a content that is rejected", func() { write("config.yml", "workspaces:") }, 2, "cannot be used"},
		{"nothing after a rejection", func() {}, 2, ""},
		{"a file that is gone", func() { rename("config.yml", "away") }, 2, "cannot be used"},
		{"a file that is back", func() { write("config.yml", one) }, 1, "reloaded"},
		{"a good file that is gone", func() { rename("config.yml", "away") }, 1, "cannot be used"},
		{"the same file, back", func() { rename("away", "config.yml") }, 1, "reloaded"},
		{"a content that a SIGHUP has loaded", func() { write("config.yml", two); e.reload() }, 2, ""},
	}
	for _, step := range steps {
		step.change()
		lines.Reset()
		e.reloadIfChanged()
		if n := len(e.set.All()); n != step.workspaces {
			t.Errorf("%s: there are %d workspaces", step.name, n)
		}
		logged := lines.String()
		if step.log == "" && logged != "" || !strings.Contains(logged, step.log) || strings.Count(logged, "msg=") > 1 {
			t.Errorf("%s: the log is\n%s", step.name, logged)
		}
	}
}

func TestChangedFileIsReloaded(t *testing.T) {
	_, url := workspace(t)
	f := newConfigFile(t, "workspaces:\n"+entry("acme", url))
	p := start(t, "--config.file="+f.path, "--config.auto-reload-interval=10ms")
	reloaded := p.logged("reloaded")
	f.write("workspaces:\n" + entry("acme", url) + entry("other", url))
	<-reloaded
}
