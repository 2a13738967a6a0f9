package rocketchatsim_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

var importEndpoints = []string{sim.GetImportFileData, sim.GetCurrentImportOperation}

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
		w := newWorkspace(t, sim.Config{Generation: c.generation})
		wantBody(t, w.get(sim.GetCurrentImportOperation), 200, c.none)
		wantError(t, w.get(sim.GetImportFileData), 400, "error-operation-not-found")
		w.place(sim.StepImportingUsers, nil)
		for _, endpoint := range importEndpoints {
			for _, token := range []string{"", "wrong"} {
				wantBody(t, w.request("GET", "/api/v1/"+endpoint, token, ""), 401, c.unauthorized)
			}
			w.Revoke(testUser, sim.RunImport)
			wantBody(t, w.get(endpoint), c.status, c.forbidden)
			w.Grant(testUser, sim.RunImport)
			w.SetToken(testUser, "") // revoked: no token works, not even none
			wantBody(t, w.request("GET", "/api/v1/"+endpoint, "", ""), 401, c.unauthorized)
			w.SetToken(testUser, testToken)
			if w.Requests(endpoint) != 5 || w.Destructive() != 0 {
				t.Errorf("%s: %d requests, %d destructive; want 5, 0", c.generation, w.Requests(endpoint), w.Destructive())
			}
		}
		w.place(sim.StepImportingUsers, func(op *sim.Operation) { op.ImporterKey = "gone" })
		wantError(t, w.get(sim.GetImportFileData), 400, "error-importer-not-defined")
		w.RemoveOperations()
		if _, ok := w.Operation(); ok || w.AddUsers(1) == nil || w.SetSelection(sim.Selection{}) == nil {
			t.Error("there is an operation")
		}
	}
}

func TestWhatStandsInFrontAnswersInPlaceOfRocketChat(t *testing.T) {
	answers := sim.Fronts()
	for name, a := range answers {
		if strings.Contains(a.Body, "success") {
			t.Errorf("%s looks like Rocket.Chat's: %s", name, a.Body)
		}
	}
	answers["totp"] = sim.TOTPRequired()
	w := newWorkspace(t, sim.Config{})
	w.place(sim.StepImportingUsers, nil)
	for name, a := range answers {
		w.AnswerWith(&a)
		got := w.get(sim.GetImportFileData)
		wantBody(t, got, a.Status, a.Body)
		html := strings.HasPrefix(got.header.Get("Content-Type"), "text/html")
		if a.Header != "" && got.header.Get(a.Header) != a.Value || html != strings.HasPrefix(a.Body, "<") {
			t.Errorf("%s has the header %v", name, got.header)
		}
	}
	if w.Destructive() != 0 || w.Requests(sim.GetImportFileData) != len(answers) {
		t.Errorf("%d destructive calls of %d, want 0 of %d", w.Destructive(), w.Requests(sim.GetImportFileData), len(answers))
	}
	w.AnswerWith(nil)
	if got := w.get(sim.GetCurrentImportOperation); got.status != 200 {
		t.Errorf("%d with nothing in front", got.status)
	}
}

func TestWhatTheServerDoesNotHave(t *testing.T) {
	w := newWorkspace(t, sim.Config{BasePath: "/chat/"})
	w.place(sim.StepImportingUsers, nil)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/chat/api/v1/getCurrentImportOperation", 200},
		{"GET", "/api/v1/getCurrentImportOperation", 404},
		{"GET", "/chat/api/v1/getImportFileDat", 404},
		{"GET", "/chat/", 404},
		{"POST", "/chat/api/v1/getImportFileData", 405},
		{"HEAD", "/chat/api/v1/getImportFileData", 405},
		{"GET", "/chat/api/v1/chat.postMessage", 405},
	} {
		if got := w.request(c.method, c.path, testToken, ""); got.status != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got.status, c.status)
		}
	}
	if w.Destructive() != 0 || w.Requests(sim.GetImportFileData) != 2 {
		t.Errorf("%d destructive calls of %d, want 0 of 2", w.Destructive(), w.Requests(sim.GetImportFileData))
	}
}

func TestTheDateHeaderIsOfTheServersClockOrAnotherOrAbsent(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	listener := httptest.NewServer(w.Server)
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
		for _, front := range []*sim.Answer{nil, {Status: 502}} {
			w.AnswerWith(front)
			response, err := http.Get(listener.URL + "/api/v1/" + sim.GetCurrentImportOperation)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if got := response.Header["Date"]; !reflect.DeepEqual(got, c.want) {
				t.Errorf("Date %v, want %v", got, c.want)
			}
		}
	}
}

func TestMessagesAreReceivedFromAnyUserWithAToken(t *testing.T) {
	w := newWorkspace(t, sim.Config{})
	w.SetUser(testUser, testToken)
	const body = `{"channel":"#imports","attachments":[{"title":"Stalled","title_link":"https://x/","text":"It stalls.","color":"red","fields":[]}]}`
	post := func(token, body string) answer {
		return w.request("POST", "/api/v1/"+sim.ChatPostMessage, token, body)
	}
	if got := post("wrong", body); got.status != 401 {
		t.Errorf("%d with a wrong token", got.status)
	}
	wantError(t, post(testToken, `{"text":"a"}`), 400, "error-roomid-param-not-provided")
	wantError(t, post(testToken, `{`), 400, "invalid-params")
	if got := post(testToken, body); got.status != 200 || !strings.Contains(got.body, `"success":true`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	want := []sim.Message{{UserID: testUser, Channel: "#imports", Attachments: []sim.Attachment{
		{Title: "Stalled", TitleLink: "https://x/", Text: "It stalls.", Color: "red"},
	}}}
	if got := w.Messages(); !reflect.DeepEqual(got, want) {
		t.Errorf("received %+v, want %+v", got, want)
	}
}

func TestTheRateLimitIsPerEndpointAndEndsWithItsWindow(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	w.Revoke(testUser, sim.BypassRateLimit)
	reset := strconv.FormatInt(epoch.Add(time.Minute).UnixMilli(), 10)
	check := func(status int, remaining, reset string) {
		t.Helper()
		got := w.get(sim.GetCurrentImportOperation)
		limits := [3]string{got.header.Get("X-RateLimit-Limit"), got.header.Get("X-RateLimit-Remaining"), got.header.Get("X-RateLimit-Reset")}
		if want := [3]string{"10", remaining, reset}; got.status != status || limits != want {
			t.Errorf("%d %v, want %d %v", got.status, limits, status, want)
		}
		if status == 429 && !strings.Contains(got.body, `[error-too-many-requests]"`) {
			t.Errorf("body %s", got.body)
		}
	}
	for calls := range 10 {
		check(200, strconv.Itoa(9-calls), reset)
	}
	check(429, "0", reset)
	if got := w.get(sim.GetImportFileData); got.status != 400 {
		t.Errorf("another endpoint answers %d, want 400 without an import", got.status)
	}
	w.clock.Advance(time.Minute - time.Millisecond)
	check(429, "0", reset)
	w.clock.Advance(time.Millisecond)
	check(200, "9", strconv.FormatInt(epoch.Add(2*time.Minute).UnixMilli(), 10))
	if got := w.Requests(sim.GetCurrentImportOperation); got != 13 {
		t.Errorf("%d requests arrived, want 13", got)
	}
}

func TestTheRateLimitSparesAnExemptUserAndAWorkspaceWithoutOne(t *testing.T) {
	for _, c := range []struct {
		limit  int
		exempt bool
		passed int // of five calls
	}{{2, true, 5}, {2, false, 2}, {-1, false, 5}} {
		w := newWorkspace(t, sim.Config{RateLimit: c.limit})
		w.place(sim.StepDone, nil)
		if !c.exempt {
			w.Revoke(testUser, sim.BypassRateLimit)
		}
		passed := 0
		for range 5 {
			if got := w.get(sim.GetImportFileData); got.status == 200 {
				passed++
			}
		}
		if writes := w.Writes(); passed != c.passed || writes[sim.WriteStepBack]+writes[sim.WriteSameStep] != passed {
			t.Errorf("limit %d, exempt %v: %d calls passed, want %d; writes %v", c.limit, c.exempt, passed, c.passed, writes)
		}
	}
}

func TestEverythingMayHappenAtOnce(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Early3})
	w.Start(sim.Slack(), 1e6)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			w.get(sim.GetCurrentImportOperation)
			w.SetToken(testUser, testToken)
			w.Revoke(testUser, sim.BypassRateLimit)
			w.Grant(testUser, sim.BypassRateLimit)
			w.SetDate(time.Now)
			w.AnswerWith(nil)
			w.Restart()
			w.StartSecondInstance()
			w.Clear()
			w.Messages()
			_ = w.Update(func(op *sim.Operation) { op.Valid = true })
			_ = w.SetSelection(sim.Selection{Users: 10})
			w.Operation()
			w.Destructive()
			w.Start(sim.Slack(), 1e6)
		})
	}
	all.Wait()
	if got := w.Requests(sim.GetCurrentImportOperation); got != 8 {
		t.Errorf("%d requests, want 8", got)
	}
}
