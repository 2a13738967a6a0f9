package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rocketchat_import_exporter/internal/check"
	"rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/internal/rocketchatsim/simtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = simtest.Token

// credentials are flags that suffice to start.
var credentials = []string{"--rocketchat.user-id=watcher", "--rocketchat.auth-token=" + secret}

// execute runs a command that ends by itself.
func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, err strings.Builder
	code = run(ctx, args, &out, &err)
	assert.NotContains(t, out.String()+err.String(), secret[:5])
	return code, out.String(), err.String()
}

// assertFails runs a command, which must end with one line that holds want.
func assertFails(t *testing.T, want string, args ...string) {
	t.Helper()
	code, _, stderr := execute(t, args...)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, want)
	assert.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
}

// program is the exporter at work.
type program struct {
	t    *testing.T
	url  string
	stop func() int // returns the exit code

	mu    sync.Mutex
	log   strings.Builder
	grown *sync.Cond // when something was logged
}

// Write adds to the log.
func (p *program) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grown.Broadcast()
	return p.log.Write(line)
}

// logged waits until the log holds text, and returns all of it.
func (p *program) logged(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !strings.Contains(p.log.String(), text) {
		p.grown.Wait()
	}
	return p.log.String()
}

// start runs the exporter until the test ends or stops it.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{t: t}
	p.grown = sync.NewCond(&p.mu)
	ctx, cancel := context.WithCancel(context.Background())
	exited := make(chan int, 1)
	go func() {
		exited <- run(ctx, append(args, "--web.listen-address=127.0.0.1:0"), io.Discard, p)
		io.WriteString(p, "Listening on nothing")
	}()
	p.stop = sync.OnceValue(func() int {
		cancel()
		return <-exited
	})
	t.Cleanup(func() {
		p.stop()
		assert.NotContains(t, p.logged(""), secret)
	})
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(p.logged("Listening on"))
	require.NotEmpty(t, address, p.logged(""))
	p.url = "http://" + address
	return p
}

// do returns the body of an answer, which must have that status.
func (p *program) do(method, path string, status int) string {
	p.t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	req, err := http.NewRequest(method, p.url+path, nil)
	assert.NoError(p.t, err)
	resp, err := http.DefaultClient.Do(req)
	if !assert.NoError(p.t, err) {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	assert.NoError(p.t, err)
	assert.Equal(p.t, status, resp.StatusCode, path)
	assert.NotContains(p.t, string(body), secret, path)
	return string(body)
}

func (p *program) get(path string) string {
	p.t.Helper()
	return p.do(http.MethodGet, path, http.StatusOK)
}

// workspace serves a simulated workspace.
func workspace(t *testing.T) (*rocketchatsim.Server, string) {
	t.Helper()
	r := simtest.New(t, rocketchatsim.Latest)
	return r.Sim, r.Config.URL.String()
}

// write writes a file and returns its path.
func write(t *testing.T, path, content string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// temporary writes a file in a folder that the test removes.
func temporary(t *testing.T, content string) string {
	t.Helper()
	return write(t, filepath.Join(t.TempDir(), "file"), content)
}

func TestExporterShowsAnImport(t *testing.T) {
	sim, url := workspace(t)
	sim.Start(rocketchatsim.Slack(), 1)
	t.Setenv("ROCKETCHAT_AUTH_TOKEN", secret)
	p := start(t, "--rocketchat.url="+url, "--rocketchat.user-id=watcher")
	metrics := p.get("/metrics")
	for _, want := range []string{
		"\nrocketchat_import_up 1\n",
		"\nrocketchat_import_state{state=\"new\"} 1\n",
		"\nrocketchat_import_exporter_build_info{",
		"\ngo_goroutines ",
		"\nprocess_resident_memory_bytes ",
		"\npromhttp_metric_handler_requests_in_flight 1\n",
	} {
		assert.Contains(t, metrics, want)
	}
	assert.Contains(t, p.get("/"), `href="./metrics"`)
	assert.Zero(t, p.stop())
	assert.Zero(t, sim.Destructive())
}

func TestScrapeUnderWayIsAnsweredBeforeTheExporterStops(t *testing.T) {
	sim, url := workspace(t)
	arrived, release := sim.Hold(rocketchatsim.GetCurrentImportOperation)
	p := start(t, append(credentials, "--rocketchat.url="+url)...)
	metrics, code := make(chan string), make(chan int)
	go func() { metrics <- p.get("/metrics") }()
	<-arrived
	go func() { code <- p.stop() }()
	for { // until the exporter takes no more connections
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
	}
	release()
	assert.Contains(t, <-metrics, "\nrocketchat_import_up 1\n")
	assert.Zero(t, <-code)
}

func TestLogFormats(t *testing.T) {
	for format, valid := range map[string]func(string) bool{
		"logfmt": func(line string) bool { return strings.Contains(line, "level=") },
		"json":   func(line string) bool { return json.Valid([]byte(line)) },
	} {
		t.Run(format, func(t *testing.T) {
			p := start(t, append(credentials, "--log.format="+format, "--web.config.file="+tlsConfig(t))...)
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
			require.NoError(t, err)
			io.WriteString(conn, "not a handshake")
			conn.Close()
			for line := range strings.Lines(p.logged("TLS handshake error")) { // which net/http logs
				assert.True(t, valid(line), line)
			}
		})
	}
}

func TestOnlyAnExporterOnLoopbackAddressesIsLocal(t *testing.T) {
	for addresses, want := range map[string]bool{
		"127.0.0.1:10458": true, "localhost:1": true, "[::1]:1": true, "127.0.0.1:1 [::1]:1": true,
		":10458": false, "0.0.0.0:1": false, "127.0.0.1:1 :2": false, "vsock://:1": false,
	} {
		args := slices.Clone(credentials)
		for _, address := range strings.Fields(addresses) {
			args = append(args, "--web.listen-address="+address)
		}
		f, err := parseFlags(args, io.Discard)
		require.NoError(t, err)
		assert.Equal(t, want, f.local(), addresses)
	}
}

func TestEachLineOfTheLogHasOneTimestamp(t *testing.T) {
	p := start(t, append(credentials, "--log.format=json")...)
	for line := range strings.Lines(p.logged("Listening on")) {
		assert.Equal(t, 1, strings.Count(line, `"ts":`), line)
		assert.NotContains(t, line, `"time":`)
		assert.NotContains(t, line, `"caller":`)
	}
}

func TestEachLineOfTheLogBeginsAlike(t *testing.T) {
	p := start(t, credentials...)
	for line := range strings.Lines(p.logged("TLS is disabled")) {
		assert.Regexp(t, `^level=\w+ ts=20\S+Z msg=`, line)
	}
}

func TestWhatTheHTTPClientPrintsIsALogLineWithoutWhatTheServerSent(t *testing.T) {
	p := start(t, append(credentials, "--log.format=json")...)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.Read(make([]byte, 1024))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 "+secret+"\r\n")
		conn.Read(make([]byte, 1024)) // until the client closes
	}()
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://" + listener.Addr().String())
	require.NoError(t, err)
	resp.Body.Close()
	for line := range strings.Lines(p.logged("Unsolicited response received")) {
		assert.True(t, json.Valid([]byte(line)), line)
		assert.NotContains(t, line, secret[:5])
	}
}

func TestRequestsThatNeverEndAreAnsweredOrClosed(t *testing.T) {
	p := start(t, credentials...)
	address := strings.TrimPrefix(p.url, "http://")
	for name, request := range map[string]string{
		"a body that never comes": "POST /-/healthy HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
		"half a header":           "GET /-/healthy HTTP/1.1\r\nHost: a\r\n",
		"too large a header":      "GET /-/healthy HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A:\r\n", 6<<10) + "\r\n", // 24 KiB
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err)
			defer conn.Close()
			io.WriteString(conn, request)
			answer, _ := io.ReadAll(conn) // would not end without a timeout or a bound
			assert.Equal(t, name == "too large a header", strings.HasPrefix(string(answer), "HTTP/1.1 431 "), string(answer))
		})
	}
}

func TestTheLogHasWhatItsLevelSaysAndWhen(t *testing.T) {
	for allowed, want := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1} {
		var logged strings.Builder
		logger := newLogger(&flags{logLevel: allowed, logFormat: "logfmt"}, &logged)
		for _, at := range []func(log.Logger) log.Logger{level.Debug, level.Info, level.Warn, level.Error} {
			require.NoError(t, at(logger).Log("msg", "x"))
		}
		assert.Len(t, regexp.MustCompile(`(?m) ?ts=20\S+Z `).FindAllString(logged.String(), -1), want, allowed)
	}
}

func TestAStopWaitsNoLongerThanAScrapeMayTake(t *testing.T) {
	p := &program{t: t}
	p.grown = sync.NewCond(&p.mu)
	f, err := parseFlags(append(credentials, "--rocketchat.timeout=10ms", "--web.listen-address=127.0.0.1:0"), io.Discard)
	require.NoError(t, err)
	e, err := newExporter(f, newLogger(f, p))
	require.NoError(t, err)
	defer e.set.Close()
	ctx, stop := context.WithCancel(t.Context())
	arrived, released, stopped := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		stopped <- e.listen(ctx, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(arrived); <-released }))
	}()
	conn, err := net.Dial("tcp", regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(p.logged("Listening on")))
	require.NoError(t, err)
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-arrived
	stop()
	assert.ErrorIs(t, <-stopped, context.DeadlineExceeded)
	close(released)
}

// tlsConfig returns a web configuration file with a certificate.
func tlsConfig(t *testing.T, more ...string) string {
	t.Helper()
	server := httptest.NewTLSServer(nil) // has a certificate
	server.Close()
	certificate := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	lines := append([]string{
		"tls_server_config:",
		"  cert_file: " + temporary(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))),
		"  key_file: " + temporary(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))),
	}, more...)
	return temporary(t, strings.Join(lines, "\n"))
}

func TestExporterThatCannotListenSaysSo(t *testing.T) {
	taken := httptest.NewServer(nil)
	defer taken.Close()
	for flag, arg := range map[string]string{
		listenAddressFlag: "--web.listen-address=" + strings.TrimPrefix(taken.URL, "http://"),
		systemdSocketFlag: "--web.systemd-socket",
	} {
		code, _, log := execute(t, append(credentials, arg)...)
		assert.Equal(t, 1, code)
		assert.Contains(t, log, flagAndEnv(flag))
	}
}

func TestCheckTellsOfEachWorkspace(t *testing.T) {
	_, goodURL := workspace(t)
	refusing, refusingURL := workspace(t)
	refusing.Revoke("watcher", rocketchatsim.RunImport)
	_, second, _ := strings.Cut(workspacesAt(refusingURL, "refusing"), "workspaces:\n")
	file := "--config.file=" + temporary(t, workspacesAt(goodURL, "good")+second)

	code, stdout, stderr := execute(t, "check", file)
	assert.Equal(t, 1, code)
	assert.Empty(t, stderr)
	assert.True(t, strings.HasPrefix(stdout, "good ("), stdout)
	assert.Contains(t, stdout, "\n\nrefusing (")
	assert.Contains(t, stdout, "run-import is missing")

	_, stdout, _ = execute(t, "check", "--json", file)
	var results []check.Result
	require.NoError(t, json.Unmarshal([]byte(stdout), &results))
	require.Len(t, results, 2)
	assert.True(t, results[0].OK)
	assert.False(t, results[1].OK)

	code, stdout, _ = execute(t, append(credentials, "check", "--rocketchat.url="+goodURL)...)
	assert.Zero(t, code, stdout)
}

func TestConfigCheckSaysWhatTheSettingsDescribeAndCallsNobody(t *testing.T) {
	sim, url := workspace(t)
	file := temporary(t, workspacesAt(url, "acme"))
	for _, command := range []string{"serve", "check", "watch", "health"} {
		code, stdout, stderr := execute(t, command, "--config.check", "--config.file="+file)
		assert.Zero(t, code, stderr)
		assert.Equal(t, "The settings can be used. They describe:\nworkspace acme at "+url+", which reads the selection on-change\n", stdout)
	}
	code, stdout, stderr := execute(t, append(credentials, "--config.check", "--import.file-data=never", "--web.enable-lifecycle")...)
	assert.Zero(t, code, stderr)
	assert.Contains(t, stdout, "workspace localhost:3000 at http://localhost:3000, which reads the selection never")
	assert.Contains(t, stderr, "does nothing without --config.file")
	assertFails(t, "line 2", "--config.check", "--config.file="+temporary(t, "workspaces:\n  acme: {url: 7}\n"))
	assertFails(t, "no such file", "--config.check", "--config.file="+file, "--web.config.file=/nowhere")
	assert.Zero(t, sim.Requests(rocketchatsim.GetCurrentImportOperation))
}

func TestTheVariablesOfTheEnvironmentNameTheProxy(t *testing.T) {
	_, url := workspace(t)
	asked := make(chan string, 10)
	target, err := neturl.Parse(url)
	require.NoError(t, err)
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Host // is there in a request to a forward proxy alone
		forward.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	check := append(slices.Clone(credentials), "check", "--rocketchat.url=http://chat.invalid")
	noProxy := "--rocketchat.http-config-file=" + temporary(t, "proxy_from_environment: false")
	named := "--rocketchat.http-config-file=" + temporary(t, "proxy_url: "+proxy.URL)

	t.Setenv("HTTP_PROXY", proxy.URL)
	code, stdout, _ := execute(t, check...)
	assert.Zero(t, code, stdout)
	assert.Equal(t, "chat.invalid", <-asked)
	code, _, _ = execute(t, append(check, noProxy)...)
	assert.Equal(t, 1, code)
	t.Setenv("NO_PROXY", "chat.invalid")
	code, _, _ = execute(t, check...)
	assert.Equal(t, 1, code)
	assert.Empty(t, asked)
	code, stdout, _ = execute(t, append(check, named)...) // whatever NO_PROXY says
	assert.Zero(t, code, stdout)
	assert.Equal(t, "chat.invalid", <-asked)
}

func TestHealthOfAnExporterThatRuns(t *testing.T) {
	const users = "basic_auth_users: {alice: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze}"
	for name, args := range map[string][]string{
		"plain HTTP":              nil,
		"TLS":                     {"--web.config.file=" + tlsConfig(t)},
		"TLS and a password":      {"--web.config.file=" + tlsConfig(t, users)},
		"TLS and a rate limit":    {"--web.config.file=" + tlsConfig(t, "rate_limit: {interval: 1h, burst: 1}")},
		"TLS and a certificate":   {"--web.config.file=" + tlsConfig(t, "  client_auth_type: RequireAnyClientCert")},
		"an optional certificate": {"--web.config.file=" + tlsConfig(t, "  client_auth_type: RequestClientCert")},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, append(credentials, args...)...)
			health := append([]string{"health"}, args...)
			port := strings.TrimPrefix(p.url, "http://127.0.0.1")
			for _, host := range []string{"", "0.0.0.0", "[::]", "127.0.0.1", "localhost"} {
				code, _, stderr := execute(t, append(health, "--web.listen-address="+host+port, "--web.listen-address=127.0.0.1:1")...)
				assert.Zero(t, code, stderr)
			}
			t.Setenv("ROCKETCHAT_IMPORT_EXPORTER_WEB_LISTEN_ADDRESS", port)
			code, _, stderr := execute(t, health...)
			assert.Zero(t, code, stderr)
			p.stop()
			assertFails(t, "refused", health...)
		})
	}
}

func TestHealthOfWhatIsNoExporter(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	assertFails(t, "404", "health", "--web.listen-address="+strings.TrimPrefix(other.URL, "http://"))
	assertFails(t, flagAndEnv(listenAddressFlag), "health", "--web.listen-address=vsock://:10458")
	assertFails(t, flagAndEnv(systemdSocketFlag), "health", "--web.systemd-socket")
}
