package e2e

import (
	"context"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/test/rig"
)

// TestBothExpositionFormatsHaveTheSameSeries scrapes an exporter in both of Prometheus's text formats.
func TestBothExpositionFormatsHaveTheSameSeries(t *testing.T) {
	w := newWorkspace(t, "formats", rig.BuildExporter(t, root, "-race"), rocketchatsim.Config{})
	w.sim.Start(rocketchatsim.Slack(), 1)

	lint := exec.Command(bin+"/promtool", "check", "metrics")
	lint.Stdin = strings.NewReader(rig.Get(t, "http://"+w.address+"/metrics"))
	assert.Empty(t, rig.Output(t, lint))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.address+"/metrics", nil)
	require.NoError(t, err)
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Contains(t, response.Header.Get("Content-Type"), "application/openmetrics-text")
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(string(body), "\n# EOF\n"))

	dir, address, jobs := t.TempDir(), rig.FreeAddress(t), "scrape_configs:\n"
	for job, format := range map[string]string{"text": "PrometheusText0.0.4", "openmetrics": "OpenMetricsText1.0.0"} {
		jobs += "  - {job_name: " + job + ", scrape_interval: 1s, scrape_protocols: [" + format + "], static_configs: [{targets: ['" + w.address + "']}]}\n"
	}
	rig.WriteFile(t, filepath.Join(dir, "prometheus.yml"), jobs)
	rig.Run(t, "http://"+address+"/-/ready", nil, bin+"/prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	prometheus := newClient(t, "http://"+address)
	series := func(t require.TestingT, job string) (names []string) {
		found, _, _, err := prometheus.Series(context.Background(), []string{`{job="` + job + `"}`}, time.Now().Add(-time.Hour), time.Now())
		require.NoError(t, err)
		for _, labels := range found {
			delete(labels, "job")
			names = append(names, model.Metric(labels).String())
		}
		return names
	}
	eventually(t, "the same series in both formats", func(c *assert.CollectT) {
		text := series(c, "text")
		assert.Contains(c, strings.Join(text, "\n"), "rocketchat_import_state{")
		assert.ElementsMatch(c, text, series(c, "openmetrics"))
	})
}
