package client

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseURLTakesTheBaseURLsOfWorkspaces(t *testing.T) {
	for _, text := range []string{
		"http://localhost:3000", "https://chat.example.com", "https://chat.example.com/", "HTTPS://chat.example.com",
		"https://host/chat", "https://host/chat/", "https://host/a/b%2Fc", "http://[::1]:3000", "http://192.0.2.1", "http://host:65535",
	} {
		u, err := ParseURL(text)
		if assert.NoError(t, err, text) {
			assert.Equal(t, strings.ToLower(text[:5])+text[5:], u.String())
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
		" http://secret.example.com", "http://[::1/secret", "http://host:0", "http://host:65536", "http://host:",
	} {
		_, err := ParseURL(text)
		if assert.Error(t, err, text) {
			assert.NotContains(t, err.Error(), "secret")
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}
