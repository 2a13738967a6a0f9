package collector

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func TestCallsAreCounted(t *testing.T) {
	r := newRig(t, rocketchatsim.Latest)
	r.Place(simtest.Operation(rocketchatsim.StepUserSelection))
	r.Sim.Revoke(simtest.UserID, rocketchatsim.BypassRateLimit)
	const remaining = `api_rate_limit_remaining{endpoint="getCurrentImportOperation"}`
	series := r.series()
	assert.EqualValues(t, 1, series[`api_requests_total{code="200",endpoint="getCurrentImportOperation"}`])
	assert.EqualValues(t, 1, series[`api_requests_total{code="200",endpoint="getImportFileData"}`])
	assert.Positive(t, series[`api_response_bytes_total{endpoint="getCurrentImportOperation"}`])
	assert.EqualValues(t, 9, series[remaining])

	r.Front.Intercept(rocketchatsim.GetCurrentImportOperation, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	series = r.series()
	assert.EqualValues(t, 1, series[`api_requests_total{code="none",endpoint="getCurrentImportOperation"}`])
	assert.Contains(t, series, remaining, "a call without an answer does not hide what the last answer said")

	r.Front.Intercept(rocketchatsim.GetCurrentImportOperation, nil)
	r.Sim.Grant(simtest.UserID, rocketchatsim.BypassRateLimit)
	assert.NotContains(t, r.series(), remaining, "the server no longer says")
}
