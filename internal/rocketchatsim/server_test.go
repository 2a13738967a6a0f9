package rocketchatsim_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

func TestWhatIsRefusedDoesNothing(t *testing.T) {
	type statuses struct{ post, noPermission int }
	refused := map[sim.Generation]statuses{sim.Early3: {405, 400}, sim.Middle: {405, 400}, sim.Classic: {405, 403}, sim.Latest: {404, 403}}
	for _, generation := range sim.Generations() {
		require.Contains(t, refused, generation)
		w := newWorkspace(t, sim.Config{Generation: generation, BasePath: "/chat"})
		w.place(sim.StepImportingUsers, nil)
		const path = "/chat/api/v1/" + sim.GetImportFileData
		assert.Contains(t, w.request("GET", "/api/v1/"+sim.GetImportFileData, testToken, "").Body.String(), "<html>")
		assert.Equal(t, refused[generation].post, w.request("POST", path, testToken, "").Code)
		assert.Equal(t, 401, w.request("GET", path, "wrong", "").Code)
		w.Revoke(testUser, sim.RunImport)
		assert.Equal(t, refused[generation].noPermission, w.request("GET", path, testToken, "").Code)
		w.SetUser(testUser, testToken, sim.RunImport, sim.BypassRateLimit)
		w.SetToken(testUser, "") // revoked: no token works, not even none
		assert.Equal(t, 401, w.request("GET", path, "", "").Code)
		w.SetToken(testUser, testToken)
		w.Intercept(sim.GetImportFileData, sim.Fronts()["401 basic auth"])
		front := w.request("GET", path, testToken, "").Header()
		assert.Equal(t, `Basic realm="internal"`, front.Get("WWW-Authenticate"))
		assert.Contains(t, front.Get("Content-Type"), "text/html")
		assert.Equal(t, 0, w.Destructive())
		w.Intercept(sim.GetImportFileData, nil)
		assert.Equal(t, 200, w.request("GET", path, testToken, "").Code)
		assert.Equal(t, 1, w.Destructive())
		assert.Equal(t, 5, w.Requests(sim.GetImportFileData))
	}
}

func TestMessagesAreReceivedFromAnyUserWithAToken(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	w.SetUser(testUser, testToken)
	post := func(token, body string) int {
		return w.request("POST", "/api/v1/"+sim.ChatPostMessage, token, body).Code
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
		require.Equal(t, status, got.Code)
		require.Equal(t, status == 429, strings.Contains(got.Body.String(), `[error-too-many-requests]"`), got.Body.String())
		require.Equal(t, remaining, got.Header().Get("X-RateLimit-Remaining"))
		require.Equal(t, strconv.FormatInt(reset.UnixMilli(), 10), got.Header().Get("X-RateLimit-Reset"))
	}
	for range 3 {
		require.Empty(t, w.get(sim.GetImportFileData).Header().Get("X-RateLimit-Limit"))
	}
	w.Revoke(testUser, sim.BypassRateLimit)
	check(200, "1", epoch.Add(time.Minute))
	check(200, "0", epoch.Add(time.Minute))
	w.clock.Advance(time.Minute - time.Millisecond)
	check(429, "0", epoch.Add(time.Minute))
	require.Equal(t, 5, w.Writes()[sim.WriteSameStep], "a call above the limit does nothing")
	require.Equal(t, 200, w.get(sim.GetCurrentImportOperation).Code, "another endpoint")
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
