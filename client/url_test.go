package client

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestParseURLTakesTheBaseURLsOfWorkspaces(t *testing.T) {
	for text, want := range map[string]string{
		"http://localhost:3000":     "/api/v1/",
		"https://chat.example.com":  "/api/v1/",
		"https://chat.example.com/": "/api/v1/",
		"HTTPS://chat.example.com":  "/api/v1/",
		"https://host/chat":         "/chat/api/v1/",
		"https://host/chat/":        "/chat/api/v1/",
		"https://host/a/b%2Fc":      "/a/b%2Fc/api/v1/",
		"http://[::1]:3000":         "/api/v1/",
		"http://192.0.2.1":          "/api/v1/",
	} {
		u, err := ParseURL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := strings.TrimPrefix(u.JoinPath(apiPath, "x").String(), u.Scheme+"://"+u.Host)
		if got != want+"x" {
			t.Errorf("%s: the API is at %s, want %s", text, got, want)
		}
	}
}

func TestParseURLRefusesWhatIsNoBaseURLAndNeverQuotesIt(t *testing.T) {
	for _, text := range []string{
		"", " ", "localhost:3000", "//secret.example.com", "/secret", "ftp://secret.example.com", "secret://host",
		"http://", "http:secret", "http:///secret", "http://:3000/secret", "https://?secret",
		"http://secret@host", "http://user:secret@host", "http://@host/secret", "http://:secret@host",
		"http://host?secret", "http://host/?", "http://host#secret", "http://host/#", "http://host/secret#",
		"http://secret host", "http://host/%zzsecret", "http://host:secret", "http://host\nsecret", "http://host/\x7fsecret",
		" http://secret.example.com", "http://[::1/secret",
	} {
		u, err := ParseURL(text)
		if err == nil {
			t.Errorf("%q: got %v and no error", text, u)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: the error quotes it: %v", text, err)
		}
	}
}

func TestTheAPIIsAskedBelowTheBaseURL(t *testing.T) {
	paths := make(chan string, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		paths <- r.Method + " " + r.RequestURI
		answer(200, `{"success":true,"waiting":true}`)(w, r)
	})
	for base, want := range map[string]string{"": "", "/": "", "/chat": "/chat", "/chat/": "/chat", "/a/b": "/a/b"} {
		c := newClient(t, url+base)
		if _, err := c.CurrentOperation(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := <-paths; got != "GET "+want+"/api/v1/getCurrentImportOperation" {
			t.Errorf("base %q: %s", base, got)
		}
		if _, err := c.FileData(t.Context(), time.Time{}); err != nil {
			t.Fatal(err)
		}
		if got := <-paths; got != "GET "+want+"/api/v1/getImportFileData" {
			t.Errorf("base %q: %s", base, got)
		}
	}
}
