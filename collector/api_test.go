package collector

import (
	"net/http"
	"testing"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestCallsAreCounted(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest, nil)
	r.place(operation(rocketchatsim.StepUserSelection))
	r.sim.Revoke(userID, rocketchatsim.BypassRateLimit)

	const endpoint = `{endpoint="getCurrentImportOperation"}`
	samples := r.series()
	if samples[`api_requests_total{code="200",endpoint="getCurrentImportOperation"}`] != 1 ||
		samples[`api_requests_total{code="200",endpoint="getImportFileData"}`] != 1 ||
		samples[`api_response_bytes_total`+endpoint] == 0 {
		t.Errorf("shown is %v", samples)
	}
	if remaining := samples[`api_rate_limit_remaining`+endpoint]; remaining != 9 {
		t.Errorf("%v calls remain", remaining)
	}

	r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	samples = r.series()
	if samples[`api_requests_total{code="none",endpoint="getCurrentImportOperation"}`] != 1 {
		t.Errorf("a call without an answer is not counted: %v", samples)
	}
	if _, shown := samples[`api_rate_limit_remaining`+endpoint]; !shown {
		t.Error("a call without an answer hides what the last answer said")
	}

	r.sim.Intercept(rocketchatsim.GetCurrentImportOperation, nil)
	r.sim.SetUser(userID, token, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	if remaining, shown := r.series()[`api_rate_limit_remaining`+endpoint]; shown {
		t.Errorf("%v calls remain although the server stopped telling", remaining)
	}
}
