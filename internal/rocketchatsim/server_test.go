package rocketchatsim_test

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

func requireBody(t *testing.T, got answer, status int, body string) {
	t.Helper()
	require.Equal(t, status, got.status, got.body)
	require.Equal(t, body, got.body)
}

func requireError(t *testing.T, got answer, errorType string) {
	t.Helper()
	refusal := decode[struct{ Error, ErrorType string }](t, got.body)
	require.Equal(t, 400, got.status)
	require.Equal(t, errorType, refusal.ErrorType)
	require.True(t, strings.HasSuffix(refusal.Error, "["+errorType+"]"), refusal.Error)
}

func TestRefusalsAreThoseOfTheGeneration(t *testing.T) {
	const (
		login     = `{"status":"error","message":"You must be logged in to do this."}`
		forbidden = `{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`
	)
	for _, c := range []struct {
		generation   sim.Generation
		unauthorized string
		status       int
		forbidden    string
		none         string
	}{
		{sim.Early3, login, 400, `{"success":false,"error":"Importing is not allowed [error-action-not-allowed]","errorType":"error-action-not-allowed","details":{"action":"Importing"}}`, `{"success":true}`},
		{sim.Middle, login, 400, `{"success":false,"error":"not_authorized","errorType":"not_authorized"}`, `{"success":true}`},
		{sim.Classic, `{"success":false,"error":"unauthorized"}`, 403, forbidden, `{"success":true}`},
		{sim.Latest, `{"success":false,"status":"error","message":"You must be logged in to do this.","error":"unauthorized"}`, 403, forbidden, `{"operation":null,"success":true}`},
	} {
		t.Run(c.generation.String(), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Generation: c.generation})
			requireBody(t, w.get(sim.GetCurrentImportOperation), 200, c.none)
			requireError(t, w.get(sim.GetImportFileData), "error-operation-not-found")
			w.place(sim.StepImportingUsers, nil)
			for endpoint, before := range map[string]int{sim.GetImportFileData: 1, sim.GetCurrentImportOperation: 1} {
				for _, token := range []string{"", "wrong"} {
					requireBody(t, w.request("GET", "/api/v1/"+endpoint, token, ""), 401, c.unauthorized)
				}
				w.Revoke(testUser, sim.RunImport)
				requireBody(t, w.get(endpoint), c.status, c.forbidden)
				w.Grant(testUser, sim.RunImport)
				w.SetToken(testUser, "") // revoked: no token works, not even none
				requireBody(t, w.request("GET", "/api/v1/"+endpoint, "", ""), 401, c.unauthorized)
				w.SetToken(testUser, testToken)
				require.Equal(t, before+4, w.Requests(endpoint))
			}
			require.Equal(t, 0, w.Destructive())
		})
	}
}

func TestWhatStandsInFrontAnswersInPlaceOfRocketChat(t *testing.T) {
	answers := sim.Fronts()
	answers["totp"] = sim.TOTPRequired()
	w := newWorkspace(t, sim.Config{})
	w.place(sim.StepImportingUsers, nil)
	for name, a := range answers {
		w.AnswerWith(&a)
		got := w.get(sim.GetImportFileData)
		requireBody(t, got, a.Status, a.Body)
		assert.Equal(t, a.Value, got.header.Get(a.Header), name)
		assert.Equal(t, strings.HasPrefix(a.Body, "<"), strings.HasPrefix(got.header.Get("Content-Type"), "text/html"), name)
	}
	require.Equal(t, 0, w.Destructive())
	require.Equal(t, len(answers), w.Requests(sim.GetImportFileData))
	w.AnswerWith(nil)
	require.Equal(t, 200, w.get(sim.GetCurrentImportOperation).status)
}

func TestWhatTheServerDoesNotHave(t *testing.T) {
	w := newWorkspace(t, sim.Config{BasePath: "/chat"})
	w.place(sim.StepImportingUsers, nil)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/chat/api/v1/getCurrentImportOperation", 200},
		{"GET", "/api/v1/getCurrentImportOperation", 404},
		{"GET", "/chat/api/v1/getImportFileDat", 404},
		{"POST", "/chat/api/v1/getImportFileData", 405},
		{"HEAD", "/chat/api/v1/getImportFileData", 405},
	} {
		assert.Equal(t, c.status, w.request(c.method, c.path, testToken, "").status, "%s %s", c.method, c.path)
	}
	require.Equal(t, 0, w.Destructive())
}

func TestTheDateHeaderIsOfTheServersClockOrAnotherOrAbsent(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	listener := httptest.NewServer(w.Server) // since net/http sets a Date of its own
	t.Cleanup(listener.Close)
	for _, c := range []struct {
		clock func() time.Time
		want  []string
	}{
		{w.clock.Now, []string{"Tue, 24 Nov 2026 06:31:55 GMT"}},
		{func() time.Time { return w.clock.Now().Add(20 * time.Minute) }, []string{"Tue, 24 Nov 2026 06:51:55 GMT"}},
		{nil, nil},
	} {
		w.SetDate(c.clock)
		response, err := listener.Client().Get(listener.URL)
		require.NoError(t, err)
		response.Body.Close()
		require.Equal(t, c.want, response.Header["Date"])
	}
}

func TestMessagesAreReceivedFromAnyUserWithAToken(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	w.SetUser(testUser, testToken)
	const body = `{"channel":"#imports","attachments":[{"title":"Stalled","title_link":"https://x/","text":"It stalls.","color":"red","fields":[]}]}`
	post := func(token, body string) answer {
		return w.request("POST", "/api/v1/"+sim.ChatPostMessage, token, body)
	}
	require.Equal(t, 401, post("wrong", body).status)
	require.Equal(t, 400, post(testToken, `{"text":"a"}`).status)
	require.Equal(t, 400, post(testToken, `{`).status)
	require.Contains(t, post(testToken, body).body, `"success":true`)
	require.Equal(t, []sim.Message{{UserID: testUser, Channel: "#imports", Attachments: []sim.Attachment{
		{Title: "Stalled", TitleLink: "https://x/", Text: "It stalls.", Color: "red"},
	}}}, w.Messages())
}

func TestTheRateLimitIsPerEndpointAndEndsWithItsWindow(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	w.Revoke(testUser, sim.BypassRateLimit)
	check := func(status int, remaining string, reset time.Time) {
		t.Helper()
		got := w.get(sim.GetCurrentImportOperation)
		require.Equal(t, status, got.status)
		require.Equal(t, status == 429, strings.Contains(got.body, `[error-too-many-requests]"`), got.body)
		require.Equal(t, "10", got.header.Get("X-RateLimit-Limit"))
		require.Equal(t, remaining, got.header.Get("X-RateLimit-Remaining"))
		require.Equal(t, strconv.FormatInt(reset.UnixMilli(), 10), got.header.Get("X-RateLimit-Reset"))
	}
	for calls := range 10 {
		check(200, strconv.Itoa(9-calls), epoch.Add(time.Minute))
	}
	check(429, "0", epoch.Add(time.Minute))
	require.Equal(t, 400, w.get(sim.GetImportFileData).status, "another endpoint")
	w.clock.Advance(time.Minute - time.Millisecond)
	check(429, "0", epoch.Add(time.Minute))
	w.clock.Advance(time.Millisecond)
	check(200, "9", epoch.Add(2*time.Minute))
}

func TestTheRateLimitSparesAnExemptUserAndAWorkspaceWithoutOne(t *testing.T) {
	for _, c := range []struct {
		limit, passed int
		exempt        bool
	}{{2, 5, true}, {2, 2, false}, {-1, 5, false}} {
		w := newWorkspace(t, sim.Config{RateLimit: c.limit})
		w.place(sim.StepUserSelection, nil)
		if !c.exempt {
			w.Revoke(testUser, sim.BypassRateLimit)
		}
		for range 5 {
			w.get(sim.GetImportFileData)
		}
		assert.Equal(t, c.passed, w.Writes()[sim.WriteSameStep], "%+v", c)
	}
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
			w.Grant(testUser, sim.BypassRateLimit)
			w.SetDate(time.Now)
			w.AnswerWith(nil)
			w.StartSecondInstance()
			_ = w.Update(func(op *sim.Operation) { op.Valid = true })
			w.Operation()
			w.Start(sim.Slack(), 1e6)
		})
	}
	all.Wait()
	require.Equal(t, 8, w.Requests(sim.GetCurrentImportOperation))
}
