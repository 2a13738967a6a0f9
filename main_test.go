package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rocketchat_import_exporter/internal/rocketchatsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a-token-that-must-not-show"

// program is the exporter at work.
type program struct {
	t    *testing.T
	url  string
	log  string // what it logged, once it has stopped
	stop func() int

	mu    sync.Mutex
	waits map[string]chan struct{} // for a text to be logged
}

// logged returns a channel that is closed when a line with text is logged.
func (p *program) logged(text string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := make(chan struct{})
	p.waits[text] = wait
	return wait
}

// note ends the waits for what a line holds.
func (p *program) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for text, wait := range p.waits {
		if strings.Contains(line, text) {
			close(wait)
			delete(p.waits, text)
		}
	}
}

// start runs the exporter until the test ends or stops it.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	exited := make(chan int, 1)
	go func() {
		exited <- run(ctx, append(args, "--web.listen-address=127.0.0.1:0"), io.Discard, writer)
		writer.Close()
	}()
	p := &program{t: t, waits: map[string]chan struct{}{}}
	listening := make(chan string, 1)
	logged := make(chan string, 1)
	go func() {
		address := regexp.MustCompile(`127\.0\.0\.1:\d+`)
		var text strings.Builder
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			text.WriteString(lines.Text() + "\n")
			p.note(lines.Text())
			if strings.Contains(lines.Text(), "Listening on") {
				listening <- address.FindString(lines.Text())
			}
		}
		close(listening)
		logged <- text.String()
	}()
	code, stopped := 0, false
	p.stop = func() int {
		if !stopped {
			cancel()
			code, p.log, stopped = <-exited, <-logged, true
		}
		return code
	}
	t.Cleanup(func() { p.stop() })
	address, ok := <-listening
	if !ok {
		p.stop()
		t.Fatalf("the exporter does not listen:\n%s", p.log)
	}
	p.url = "http://" + address
	return p
}

// get returns the body of a page of the exporter.
func (p *program) get(path string) string {
	p.t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	resp, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s answers %s", path, resp.Status)
	}
	return string(body)
}

// post posts to a path of the exporter, which must answer with status.
func (p *program) post(path string, status int) {
	p.t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	resp, err := http.Post(p.url+path, "", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != status {
		p.t.Errorf("%s answers %s", path, resp.Status)
	}
}

func workspace(t *testing.T) (*rocketchatsim.Server, string) {
	t.Helper()
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest})
	sim.SetUser("watcher", secret, rocketchatsim.RunImport, rocketchatsim.BypassRateLimit)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return sim, server.URL
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
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics does not show %q", want)
		}
	}
	landing := p.get("/")
	if !strings.Contains(landing, `href="./metrics"`) {
		t.Errorf("the landing page has no link to the metrics:\n%s", landing)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
	for what, text := range map[string]string{"metrics": metrics, "landing page": landing, "log": p.log} {
		if strings.Contains(text, secret) {
			t.Errorf("the %s show the token", what)
		}
	}
	if sim.Destructive() != 0 {
		t.Error("the import was harmed")
	}
}

func TestExporterStartsWithoutRocketChat(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	p := start(t, "--rocketchat.url=http://"+listener.Addr().String(), "--rocketchat.user-id=watcher", "--rocketchat.auth-token="+secret)
	if metrics := p.get("/metrics"); !strings.Contains(metrics, "\nrocketchat_import_up 0\n") ||
		!strings.Contains(metrics, "\nrocketchat_import_scrape_failures_total{reason=\"connection\"} 1\n") {
		t.Errorf("/metrics shows\n%s", metrics)
	}
}

func TestTokenFileIsReadAgain(t *testing.T) {
	sim, url := workspace(t)
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret)
	p := start(t, "--rocketchat.url="+url, "--rocketchat.user-id=watcher", "--rocketchat.auth-token-file="+file, "--rocketchat.min-interval=0s")
	up := func() bool { return strings.Contains(p.get("/metrics"), "\nrocketchat_import_up 1\n") }
	if !up() {
		t.Error("the token in the file was not accepted")
	}
	sim.SetToken("watcher", "another")
	if up() {
		t.Error("a token that was revoked was accepted")
	}
	write("another")
	if !up() {
		t.Error("the token that is now in the file was not used")
	}
}

func TestScrapeUnderWayIsAnsweredBeforeTheExporterStops(t *testing.T) {
	sim := rocketchatsim.New(rocketchatsim.Config{Generation: rocketchatsim.Latest})
	sim.SetUser("watcher", secret, rocketchatsim.RunImport)
	arrived, released := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-released
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p := start(t, "--rocketchat.url="+server.URL, "--rocketchat.user-id=watcher", "--rocketchat.auth-token="+secret)
	answer := make(chan string)
	go func() { answer <- p.get("/metrics") }()
	<-arrived
	code := make(chan int)
	go func() { code <- p.stop() }()
	for { // until the exporter takes no more connections
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
	}
	close(released)
	if metrics := <-answer; !strings.Contains(metrics, "\nrocketchat_import_up 1\n") {
		t.Errorf("/metrics shows\n%s", metrics)
	}
	if got := <-code; got != 0 {
		t.Errorf("the exit code is %d", got)
	}
}

func TestWarnings(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
		not  string
	}{
		"a token over plain http to another host": {[]string{"--rocketchat.url=http://chat.example"}, "plain http", "WIPES"},
		"a token over plain http to this host":    {[]string{"--rocketchat.url=http://127.0.0.1:3000"}, "", "plain http"},
		"a token over https":                      {[]string{"--rocketchat.url=https://chat.example"}, "", "plain http"},
		"the mode that wipes imports":             {[]string{"--import.file-data=unguarded"}, "THIS WIPES A RUNNING IMPORT", "plain http"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := start(t, append(test.args, "--rocketchat.user-id=watcher", "--rocketchat.auth-token="+secret)...)
			p.stop()
			if n := strings.Count(p.log, test.want); test.want != "" && n != 1 {
				t.Errorf("%q is logged %d times:\n%s", test.want, n, p.log)
			}
			if strings.Contains(p.log, test.not) {
				t.Errorf("%q is logged:\n%s", test.not, p.log)
			}
		})
	}
}

func TestLogFormats(t *testing.T) {
	for format, valid := range map[string]func(string) bool{
		"logfmt": func(line string) bool { return strings.Contains(line, "level=") },
		"json":   func(line string) bool { return json.Valid([]byte(line)) },
	} {
		t.Run(format, func(t *testing.T) {
			p := start(t, append(good, "--log.format="+format, "--web.config.file="+tlsConfig(t))...)
			failed := p.logged("TLS handshake error")
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(conn, "not a handshake")
			conn.Close()
			<-failed // which net/http logs
			p.stop()
			for line := range strings.Lines(p.log) {
				if !valid(line) {
					t.Errorf("a line is %s", line)
				}
			}
		})
	}
}

// tlsConfig returns a web configuration file with a certificate.
func tlsConfig(t *testing.T, more ...string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil) // has a certificate
	server.StartTLS()
	server.Close()
	certificate := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	lines := append([]string{"tls_server_config:", "  cert_file: cert.pem", "  key_file: key.pem"}, more...)
	for name, content := range map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"web.yml":  []byte(strings.Join(lines, "\n")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "web.yml")
}

func TestExporterThatCannotListenSaysSo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for flag, arg := range map[string]string{
		listenAddressFlag: "--web.listen-address=" + listener.Addr().String(),
		systemdSocketFlag: "--web.systemd-socket",
	} {
		var log strings.Builder
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		code := run(ctx, append(good, arg), io.Discard, &log)
		if code != 1 || !strings.Contains(log.String(), flagAndEnv(flag)) {
			t.Errorf("the exit code is %d, the log\n%s", code, &log)
		}
	}
}
