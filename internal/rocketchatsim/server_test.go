package rocketchatsim_test

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

func TestRefusalsAreThoseOfTheGeneration(t *testing.T) {
	for _, c := range []struct {
		generation sim.Generation
		status     int
		forbidden  string
		none       string
	}{
		{sim.Early3, 400, "error-action-not-allowed", `{"success":true}`},
		{sim.Middle, 400, "not_authorized", `{"success":true}`},
		{sim.Classic, 403, "[error-unauthorized]", `{"success":true}`},
		{sim.Latest, 403, "[error-unauthorized]", `{"operation":null,"success":true}`},
	} {
		t.Run(c.generation.String(), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Generation: c.generation})
			require.Equal(t, c.none, w.get(sim.GetCurrentImportOperation).body)
			requireError(t, w.get(sim.GetImportFileData), "error-operation-not-found")
			w.place(sim.StepImportingUsers, nil)
			for _, endpoint := range []string{sim.GetImportFileData, sim.GetCurrentImportOperation} {
				require.Equal(t, 401, w.request("GET", "/api/v1/"+endpoint, "wrong", "").status)
				w.Revoke(testUser, sim.RunImport)
				require.Equal(t, c.status, w.get(endpoint).status)
				require.Contains(t, w.get(endpoint).body, c.forbidden)
				w.Grant(testUser, sim.RunImport)
				w.SetToken(testUser, "") // revoked: no token works, not even none
				require.Equal(t, 401, w.request("GET", "/api/v1/"+endpoint, "", "").status)
				w.SetToken(testUser, testToken)
				require.Equal(t, 405, w.request("POST", "/api/v1/"+endpoint, testToken, "").status)
				require.Equal(t, 404, w.request("GET", "/chat/api/v1/"+endpoint, testToken, "").status)
				require.Equal(t, 6, w.Requests(endpoint), "with one of an import that was not there")
			}
			require.Equal(t, 0, w.Destructive())
		})
	}
}

func requireError(t *testing.T, got answer, errorType string) {
	t.Helper()
	refusal := decode[struct{ Error, ErrorType string }](t, got.body)
	require.Equal(t, 400, got.status)
	require.Equal(t, errorType, refusal.ErrorType)
	require.Contains(t, refusal.Error, "["+errorType+"]")
}

func TestTheDateHeaderIsOfTheServersClockOrAnotherOrAbsent(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	listener := httptest.NewServer(w.Server) // since net/http sets a Date of its own
	t.Cleanup(listener.Close)
	for want, clock := range map[string]func() time.Time{
		"Tue, 24 Nov 2026 06:31:55 GMT": w.clock.Now, "Tue, 24 Nov 2026 00:00:00 GMT": func() time.Time { return epoch.Truncate(24 * time.Hour) }, "": nil,
	} {
		w.SetDate(clock)
		response, err := listener.Client().Get(listener.URL)
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, want, response.Header.Get("Date"))
	}
}

func TestMessagesAreReceivedFromAnyUserWithAToken(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	w.SetUser(testUser, testToken)
	post := func(token, body string) int {
		return w.request("POST", "/api/v1/"+sim.ChatPostMessage, token, body).status
	}
	require.Equal(t, 401, post("wrong", `{"channel":"#imports"}`))
	require.Equal(t, 400, post(testToken, `{"text":"a"}`))
	require.Equal(t, 200, post(testToken, `{"channel":"#imports","attachments":[{"title":"Stalled","title_link":"https://x/","text":"It stalls."}]}`))
	require.Equal(t, []sim.Message{{UserID: testUser, Channel: "#imports", Attachments: []sim.Attachment{
		{Title: "Stalled", TitleLink: "https://x/", Text: "It stalls."},
	}}}, w.Messages())
}

func TestTheRateLimitIsPerEndpointAndEndsWithItsWindowAndSparesAnExemptUser(t *testing.T) {
	w := newWorkspace(t, sim.Config{RateLimit: 2})
	w.place(sim.StepUserSelection, nil)
	check := func(status int, remaining string, reset time.Time) {
		t.Helper()
		got := w.get(sim.GetImportFileData)
		require.Equal(t, status, got.status)
		require.Equal(t, status == 429, strings.Contains(got.body, `[error-too-many-requests]"`), got.body)
		require.Equal(t, remaining, got.header.Get("X-RateLimit-Remaining"))
		require.Equal(t, strconv.FormatInt(reset.UnixMilli(), 10), got.header.Get("X-RateLimit-Reset"))
	}
	for range 3 {
		require.Empty(t, w.get(sim.GetImportFileData).header.Get("X-RateLimit-Limit"))
	}
	w.Revoke(testUser, sim.BypassRateLimit)
	check(200, "1", epoch.Add(time.Minute))
	check(200, "0", epoch.Add(time.Minute))
	w.clock.Advance(time.Minute - time.Millisecond)
	check(429, "0", epoch.Add(time.Minute))
	require.Equal(t, 5, w.Writes()[sim.WriteSameStep], "a call above the limit does nothing")
	require.Equal(t, 200, w.get(sim.GetCurrentImportOperation).status, "another endpoint")
	w.clock.Advance(time.Millisecond)
	check(200, "1", epoch.Add(2*time.Minute))
}

func TestEverythingMayHappenAtOnce(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Early3})
	w.Start(sim.Slack(), 1e6)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			w.get(sim.GetCurrentImportOperation)
			w.get(sim.GetImportFileData)
			w.SetToken(testUser, testToken)
			w.StartSecondInstance()
			_ = w.Update(func(op *sim.Operation) { op.Valid = true })
			w.Start(sim.Slack(), 1e6)
		})
	}
	all.Wait()
	require.Equal(t, 8, w.Requests(sim.GetCurrentImportOperation))
}
