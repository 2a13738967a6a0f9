package rocketchatsim_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
)

func wantBody(t *testing.T, got answer, status int, body string) {
	t.Helper()
	if got.status != status || got.body != body {
		t.Errorf("%d %s, want %d %s", got.status, got.body, status, body)
	}
}

func wantError(t *testing.T, got answer, status int, errorType string) {
	t.Helper()
	refusal := decode[struct{ Error, ErrorType string }](t, got.body)
	if got.status != status || refusal.ErrorType != errorType || !strings.HasSuffix(refusal.Error, "["+errorType+"]") {
		t.Errorf("%d %s, want %d %s", got.status, got.body, status, errorType)
	}
}

func endpoints(generation sim.Generation) []string {
	all := []string{sim.GetImportFileData, sim.GetCurrentImportOperation, sim.GetImportProgress, sim.GetLatestImportOperations}
	if generation != sim.Early3 {
		all = append(all, sim.ImportStatus)
	}
	return all
}

func TestAWrongTokenIsRefusedAsTheGenerationDoes(t *testing.T) {
	bodies := map[sim.Generation]string{
		sim.Early3:  `{"status":"error","message":"You must be logged in to do this."}`,
		sim.Classic: `{"success":false,"error":"unauthorized"}`,
		sim.Latest:  `{"success":false,"status":"error","message":"You must be logged in to do this.","error":"unauthorized"}`,
	}
	for _, generation := range sim.Generations() {
		for _, endpoint := range endpoints(generation) {
			t.Run(generation.String()+"/"+endpoint, func(t *testing.T) {
				w := newWorkspace(t, sim.Config{Generation: generation})
				w.place(sim.StepImportingUsers, nil)
				url := w.url + "/api/v1/" + endpoint
				for _, token := range []string{"", "wrong"} {
					wantBody(t, w.request("GET", url, token), 401, bodies[generation])
				}
				if w.Requests(endpoint) != 2 || w.Destructive() != 0 {
					t.Errorf("%d requests, %d destructive; want 2, 0", w.Requests(endpoint), w.Destructive())
				}
			})
		}
	}
}

func TestATokenIsReplacedAndRevokedAtRunTime(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic})
	status := func(token string) int {
		return w.request("GET", w.url+"/api/v1/"+sim.GetCurrentImportOperation, token).status
	}
	w.SetToken(testUser, "second")
	if status(testToken) != 401 || status("second") != 200 {
		t.Error("the old token works or the new one does not")
	}
	w.SetToken(testUser, "")
	if status("second") != 401 || status("") != 401 {
		t.Error("a revoked token works")
	}
}

func TestAMissingPermissionIsRefusedAsTheGenerationDoes(t *testing.T) {
	for _, generation := range sim.Generations() {
		for _, endpoint := range endpoints(generation) {
			t.Run(generation.String()+"/"+endpoint, func(t *testing.T) {
				w := newWorkspace(t, sim.Config{Generation: generation})
				w.place(sim.StepImportingUsers, nil)
				needed := sim.RunImport
				if endpoint == sim.GetLatestImportOperations {
					needed = sim.ViewImportOperations
				}
				w.Revoke(testUser, needed)
				if got := w.get(endpoint); generation == sim.Early3 {
					wantError(t, got, 400, "error-action-not-allowed")
				} else {
					wantBody(t, got, 403, `{"success":false,"error":"User does not have the permissions required for this action [error-unauthorized]"}`)
				}
				if w.Destructive() != 0 {
					t.Errorf("writes %v, want none", w.Writes())
				}
				w.Grant(testUser, needed)
				if got := w.get(endpoint); got.status != 200 {
					t.Errorf("%d %s with the permission, want 200", got.status, got.body)
				}
			})
		}
	}
}

func TestNoImportYet(t *testing.T) {
	operation := map[sim.Generation]string{
		sim.Early3:  `{"success":true}`,
		sim.Classic: `{"success":true}`,
		sim.Latest:  `{"operation":null,"success":true}`,
	}
	for _, generation := range sim.Generations() {
		t.Run(generation.String(), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Generation: generation})
			w.place(sim.StepDone, nil)
			w.RemoveOperations()
			wantBody(t, w.get(sim.GetCurrentImportOperation), 200, operation[generation])
			wantBody(t, w.get(sim.GetLatestImportOperations), 200, `[]`)
			wantError(t, w.get(sim.GetImportFileData), 400, "error-operation-not-found")
			wantError(t, w.get(sim.GetImportProgress), 400, "error-operation-not-found")
			if generation != sim.Early3 {
				wantBody(t, w.get(sim.ImportStatus), 200, `{"state":"none","success":true}`)
			}
			if _, ok := w.Operation(); ok || w.AddUsers(1) == nil || w.SetSelection(sim.Selection{}) == nil {
				t.Error("there is an operation")
			}
		})
	}
}

func TestAnImporterThatIsGoneIsNotDefined(t *testing.T) {
	for _, generation := range sim.Generations() {
		t.Run(generation.String(), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Generation: generation})
			w.place(sim.StepImportingUsers, func(op *sim.Operation) { op.ImporterKey = "gone" })
			wantError(t, w.get(sim.GetImportFileData), 400, "error-importer-not-defined")
			wantError(t, w.get(sim.GetImportProgress), 400, "error-importer-not-defined")
			if w.Destructive() != 0 {
				t.Errorf("writes %v, want none", w.Writes())
			}
		})
	}
}

func TestWhatTheServerDoesNotHave(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Early3, BasePath: "/chat/"})
	w.place(sim.StepImportingUsers, nil)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/chat/api/v1/getCurrentImportOperation", 200},
		{"GET", "/api/v1/getCurrentImportOperation", 404},
		{"GET", "/chat/api/v1/getImportFileDat", 404},
		{"GET", "/chat/api/v1/import.status", 404},
		{"GET", "/chat/", 404},
		{"POST", "/chat/api/v1/getImportFileData", 405},
		{"HEAD", "/chat/api/v1/getImportFileData", 405},
	} {
		if got := w.request(c.method, w.url+c.path, testToken); got.status != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got.status, c.status)
		}
	}
	if w.Destructive() != 0 || w.Requests(sim.GetImportFileData) != 2 {
		t.Errorf("%d destructive calls of %d, want 0 of 2", w.Destructive(), w.Requests(sim.GetImportFileData))
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
	if got := w.get(sim.GetLatestImportOperations); got.status != 200 {
		t.Errorf("another endpoint answers %d, want 200", got.status)
	}
	w.clock.Advance(time.Minute - time.Millisecond)
	check(429, "0", reset)
	w.clock.Advance(time.Millisecond)
	check(200, "9", strconv.FormatInt(epoch.Add(2*time.Minute).UnixMilli(), 10))
	if got := w.Requests(sim.GetCurrentImportOperation); got != 13 {
		t.Errorf("%d requests arrived, want 13", got)
	}
}

func TestAnExemptUserIsNotLimitedAndSeesNoLimit(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Latest, RateLimit: 2})
	for range 5 {
		got := w.get(sim.GetCurrentImportOperation)
		if got.status != 200 || got.header.Get("X-RateLimit-Limit") != "" {
			t.Errorf("%d with limit %q, want 200 with none", got.status, got.header.Get("X-RateLimit-Limit"))
		}
	}
	w.Revoke(testUser, sim.BypassRateLimit)
	var last answer
	for range 3 {
		last = w.get(sim.GetCurrentImportOperation)
	}
	if last.status != 429 {
		t.Errorf("%d once no longer exempt, want 429", last.status)
	}
}

func TestAWorkspaceWithoutARateLimitTakesAnyNumberOfCalls(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic, RateLimit: -1})
	w.Revoke(testUser, sim.BypassRateLimit)
	for range 20 {
		if got := w.get(sim.GetCurrentImportOperation); got.status != 200 {
			t.Fatalf("%d, want 200", got.status)
		}
	}
}

func TestAWipeIsNotReachedByALimitedCall(t *testing.T) {
	w := newWorkspace(t, sim.Config{Generation: sim.Classic, RateLimit: 1})
	w.Revoke(testUser, sim.BypassRateLimit)
	w.place(sim.StepImportingUsers, nil)
	first, second := w.get(sim.GetImportFileData), w.get(sim.GetImportFileData)
	if first.status != 200 || second.status != 429 || w.Writes()[sim.WriteWiped] != 1 || w.Writes()[sim.WriteSameStep] != 0 {
		t.Errorf("%d, %d, writes %v; want 200, 429 and one wipe", first.status, second.status, w.Writes())
	}
}

func TestEverythingMayHappenAtOnce(t *testing.T) {
	server := sim.New(sim.Config{Generation: sim.Early3, RateLimit: -1})
	server.SetUser(testUser, testToken, sim.RunImport)
	server.Start(sim.Slack(), 1e6)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			w := &nullWriter{header: http.Header{}}
			request, _ := http.NewRequest("GET", "/api/v1/"+sim.GetCurrentImportOperation, nil)
			request.Header.Set("X-User-Id", testUser)
			request.Header.Set("X-Auth-Token", testToken)
			server.ServeHTTP(w, request)
			server.SetToken(testUser, testToken)
			server.Grant(testUser, sim.ViewImportOperations)
			server.Revoke(testUser, sim.ViewImportOperations)
			_ = server.Update(func(op *sim.Operation) { op.Valid = true })
			_ = server.SetSelection(sim.Selection{Users: 10})
			server.Operation()
			server.Destructive()
			server.Start(sim.Slack(), 1e6)
		})
	}
	all.Wait()
	if got := server.Requests(sim.GetCurrentImportOperation); got != 8 {
		t.Errorf("%d requests, want 8", got)
	}
}

// nullWriter is an http.ResponseWriter that keeps nothing.
type nullWriter struct {
	header http.Header
	bytes  int
}

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) WriteHeader(int)             {}
func (w *nullWriter) Write(b []byte) (int, error) { w.bytes += len(b); return len(b), nil }
