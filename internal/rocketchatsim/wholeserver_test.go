package rocketchatsim_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

// generations are the simulated servers that stand for the recorded ones.
var generations = map[string]sim.Generation{"3.4.0": sim.Early3, "6.5.3": sim.Classic, "8.6.1": sim.Latest}

// held are the recordings that a simulated server answers likewise, with what has to happen before.
var held = map[string]func(*workspace){
	`refused-(no|wrong)-token-(current|filedata)`:        func(w *workspace) { w.SetToken(testUser, "another") },
	`refused-(user-id-only|wrong-user-id)-.*`:            func(w *workspace) { w.SetToken(testUser, "another") },
	`refused-no-run-import-(current|filedata)`:           func(w *workspace) { w.SetUser(testUser, testToken) },
	`refused-(totp|role|to-be)-.*`:                       func(w *workspace) { w.SetUser(testUser, testToken, sim.RunImport) },
	`ratelimit-call-1|header-.*|route-(dou|tr|unk|fi).*`: func(w *workspace) { w.SetUser(testUser, testToken, sim.RunImport) },
	`ratelimit-bypass-permission|current-none-admin|filedata-none-admin|route-(post|head|root|wrong|below|leading).*`: func(*workspace) {},
	`ratelimit-call-10`: func(w *workspace) { w.spend(9, sim.GetCurrentImportOperation) },
	`refused-too-many-calls-.*`: func(w *workspace) {
		w.spend(10, sim.GetCurrentImportOperation)
		w.spend(10, sim.GetImportFileData)
	},
	`(current|filedata)-none`: func(w *workspace) { w.SetUser(testUser, testToken, sim.RunImport) },
}

// spend makes calls that count.
func (w *workspace) spend(calls int, endpoint string) {
	w.SetUser(testUser, testToken, sim.RunImport)
	for range calls {
		w.get(endpoint)
	}
}

// variable are headers whose values are not compared.
var variable = []string{"Date", "X-Instance-Id", "X-Ratelimit-Reset", "Content-Security-Policy"}

func TestTheSimulatedServersAnswerAsTheRecordedOnesDo(t *testing.T) {
	checked := 0
	for _, folder := range []string{"whole-server", "by-source"} {
		for _, r := range simtest.Recordings(t, filepath.Join("..", "..", "client", "testdata", "recorded", folder)) {
			version, name, _ := strings.Cut(r.Name, "/")
			generation, ok := generations[version]
			for pattern, arrange := range held {
				if !ok || !regexp.MustCompile("^("+pattern+")$").MatchString(name) {
					continue
				}
				checked++
				t.Run(r.Name, func(t *testing.T) {
					w := newWorkspace(t, sim.Config{Generation: generation})
					arrange(w)
					got := w.repeat(r)
					assert.Equal(t, r.Status, got.Code)
					if folder == "whole-server" {
						assert.Equal(t, headersOf(r), valuesOf(got.Header()))
					} else {
						for _, name := range []string{"Content-Type", "Cache-Control", "Vary", "X-RateLimit-Limit", "X-RateLimit-Remaining"} {
							assert.Equal(t, r.Get(name), got.Header().Get(name), name)
						}
					}
					assert.NotEmpty(t, got.Header().Get("X-Instance-ID"))
					assert.Equal(t, plain(r.Body), plain(unzipped(t, got)))
				})
			}
		}
	}
	assert.Greater(t, checked, 50)
}

// repeat makes the recorded request.
func (w *workspace) repeat(r simtest.Recording) *httptest.ResponseRecorder {
	request := httptest.NewRequest(r.Method, "http://localhost"+r.Path, nil)
	request.Header = r.Sent.Clone()
	for name, value := range map[string]string{"X-User-Id": testUser, "X-Auth-Token": testToken} {
		if request.Header.Get(name) != "" {
			request.Header.Set(name, value)
		}
	}
	request.Header.Del("X-Forwarded-For") // one address made all calls here
	response := httptest.NewRecorder()
	w.ServeHTTP(response, request)
	return response
}

func unzipped(t *testing.T, got *httptest.ResponseRecorder) string {
	if got.Header().Get("Content-Encoding") != "gzip" {
		return got.Body.String()
	}
	body, err := gzip.NewReader(got.Body)
	require.NoError(t, err)
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	return string(content)
}

// headersOf are the headers of a recording, except for those of its connection.
func headersOf(r simtest.Recording) map[string]string {
	all := http.Header{}
	for pair := range slices.Chunk(r.Header, 2) {
		all.Set(textproto.TrimString(pair[0]), pair[1])
	}
	all.Del("Connection")
	all.Del("Transfer-Encoding")
	return valuesOf(all)
}

func valuesOf(headers http.Header) map[string]string {
	values := map[string]string{}
	for name := range maps.Keys(headers) {
		values[name] = headers.Get(name)
		if slices.Contains(variable, name) {
			values[name] = "…"
		}
	}
	return values
}

// plain is a body as it is to be compared: JSON without the seconds to wait, or the kind of page.
func plain(body string) any {
	if strings.HasPrefix(body, "<!DOCTYPE html>") {
		return "a page"
	}
	var value any
	if json.Unmarshal([]byte(body), &value) != nil {
		return body
	}
	if fields, ok := value.(map[string]any); ok && fields["error"] != nil {
		fields["error"] = regexp.MustCompile(`wait \d+ seconds`).ReplaceAllString(fields["error"].(string), "wait N seconds")
	}
	return value
}

func TestAnInstanceHasItsOwnIDAndAnotherOneAfterARestart(t *testing.T) {
	for _, generation := range sim.Generations() {
		w := newWorkspace(t, sim.Config{Generation: generation})
		id := func() string { return w.get(sim.GetCurrentImportOperation).Header().Get("X-Instance-ID") }
		first := id()
		require.Equal(t, first, id())
		require.Equal(t, []string{first}, w.Instances())

		w.place(sim.StepImportingUsers, nil)
		w.StartSecondInstance()
		require.Len(t, w.Instances(), 2)
		assert.False(t, w.current().Valid)
		assert.ElementsMatch(t, w.Instances(), []string{id(), id()}, "they answer in turn")
		second := w.Instances()[1]
		w.StopInstance(first)
		assert.Equal(t, second, id())

		w.Restart()
		assert.NotContains(t, []string{first, second}, id())
		assert.Len(t, w.Instances(), 1)
	}
}

func TestAScriptThatRestartsTheServerChangesItsInstances(t *testing.T) {
	for instances, script := range map[int]sim.Script{1: sim.Restart(), 2: sim.SecondInstance()} {
		w := newWorkspace(t, sim.Config{})
		before := w.Instances()
		w.clock.Advance(w.Start(script, 1))
		require.Len(t, w.Instances(), instances)
		assert.Equal(t, instances == 2, w.Instances()[0] == before[0])
	}
}

func TestAHEADRunsTheHandlerFrom7OnAndNothingBefore(t *testing.T) {
	for _, generation := range sim.Generations() {
		w := newWorkspace(t, sim.Config{Generation: generation})
		w.place(sim.StepImportingUsers, nil)
		got := w.request(http.MethodHead, "/api/v1/"+sim.GetImportFileData, testToken, "")
		assert.Empty(t, got.Body.String())
		assert.Equal(t, generation == sim.Latest, w.Destructive() == 1, generation)
	}
}

func TestContactsAreImportedBetweenUsersAndChannelsFrom7On(t *testing.T) {
	for _, generation := range sim.Generations() {
		w := newWorkspace(t, sim.Config{Generation: generation})
		w.Start(sim.SlackImport(sim.Content{Users: 8, Channels: 3, Messages: 30}), 1)
		var steps []string
		for range 400 {
			w.clock.Advance(500e6)
			steps = append(steps, w.current().Step)
		}
		steps = slices.Compact(steps)
		i := slices.Index(steps, sim.StepImportingUsers)
		want := sim.StepImportingChannels
		if generation == sim.Latest {
			want = sim.StepImportingContacts
		}
		assert.Equal(t, want, steps[i+1], generation)
	}
}
