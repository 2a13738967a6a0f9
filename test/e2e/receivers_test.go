package e2e

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sim "rocketchat_import_exporter/internal/rocketchatsim"
	"rocketchat_import_exporter/test/alertstack"
	"rocketchat_import_exporter/test/rig"
)

// inbox keeps messages, each as one text.
type inbox struct {
	mu       sync.Mutex
	messages []string
}

func (i *inbox) add(message string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.messages = append(i.messages, message)
}

func (i *inbox) all() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return strings.Join(i.messages, "\n---\n")
}

// TestTheReadyReceiversSayThatAnImportHasStalledOrFinished lets Alertmanager send by e-mail and to
// Slack, as docs/alerting.md says to set it up.
func TestTheReadyReceiversSayThatAnImportHasStalledOrFinished(t *testing.T) {
	var mailbox, channel inbox
	slack := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct {
			Channel     string
			Attachments []struct{ Color, Title, Text string }
		}
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&message))
		for _, a := range message.Attachments {
			channel.add(fmt.Sprintf("%s in %s: %s\n%s", a.Color, message.Channel, a.Title, a.Text))
		}
	}))
	t.Cleanup(slack.Close)
	dir, configs := readyReceivers(t, "alertmanager-email.yml", "alertmanager-slack.yml")
	for file, replaced := range map[string][]string{
		"alertmanager-email.yml": {
			"mail.example.com:587", smtpServer(t, &mailbox), "require_tls: true", "require_tls: false",
			"/etc/alertmanager/mail-password", filepath.Join(dir, "password"),
		},
		"alertmanager-slack.yml": {"/etc/alertmanager/slack-webhook", filepath.Join(dir, "webhook")},
	} {
		text := configs[file]
		for i := 0; i < len(replaced); i += 2 {
			require.Contains(t, text, replaced[i], file)
			text = strings.ReplaceAll(text, replaced[i], replaced[i+1])
		}
		rig.WriteFile(t, filepath.Join(dir, file), strings.ReplaceAll(text, "group_wait: 30s", "group_wait: 1s"))
	}
	rig.WriteFile(t, filepath.Join(dir, "password"), "its-password")
	rig.WriteFile(t, filepath.Join(dir, "webhook"), slack.URL)

	exporters, binary := map[string]string{}, rig.BuildExporter(t, root, "-race")
	for name, begin := range map[string]act{
		"globex":  place(sim.StepImportingMessages, 20*time.Minute, sim.Count{}),
		"initech": place(sim.StepDone, 0, sim.Count{}),
	} {
		w := newWorkspace(t, name, binary, sim.Config{})
		begin(t, w)
		exporters[name] = w.address
	}
	for _, file := range []string{"alertmanager-email.yml", "alertmanager-slack.yml"} {
		start(t, alertstack.Config{Alerts: alerts, Dir: t.TempDir(), Exporters: exporters, AlertmanagerYML: filepath.Join(dir, file)})
	}
	eventually(t, "the messages", func(c *assert.CollectT) {
		for _, want := range []string{
			"alertmanager@example.com its-password: critical: The import into globex is running but has not moved for ",
			"alertmanager@example.com its-password: info: The import into initech has finished.",
			"Do not restart Rocket.Chat to hurry it: a restart ends the import for good.",
			"docs/runbooks.md#rocketchatimportstalled",
		} {
			assert.Contains(c, mailbox.all(), want)
		}
		assert.Contains(c, channel.all(), "danger in #imports: The import into globex is running but has not moved for ")
		assert.Contains(c, channel.all(), "good in #imports: The import into initech has finished.")
		assert.Contains(c, channel.all(), "docs/runbooks.md#rocketchatimportfinished")
	})
}

// smtpServer takes messages for the mailbox at the address that it returns.
func smtpServer(t *testing.T, mailbox *inbox) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go receiveMail(conn, mailbox)
		}
	}()
	return listener.Addr().String()
}

// receiveMail speaks SMTP with one client. A message begins with the user and password that sent it.
func receiveMail(conn net.Conn, mailbox *inbox) {
	defer conn.Close()
	lines, user := bufio.NewReader(conn), ""
	for answer := "220 mail.example.com"; ; {
		fmt.Fprint(conn, answer+"\r\n")
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		command, argument, _ := strings.Cut(strings.TrimSpace(line), " ")
		answer = "250 OK"
		switch strings.ToUpper(command) {
		case "EHLO":
			answer = "250-mail.example.com\r\n250 AUTH PLAIN"
		case "AUTH":
			credentials, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(argument, "PLAIN "))
			user, answer = strings.Join(strings.Split(string(credentials), "\x00")[1:], " "), "235 OK"
		case "DATA":
			fmt.Fprint(conn, "354 Go on\r\n")
			var text strings.Builder
			for line, _ := lines.ReadString('\n'); line != ".\r\n" && line != ""; line, _ = lines.ReadString('\n') {
				text.WriteString(line)
			}
			mailbox.add(user + ": " + readMail(text.String()))
		case "QUIT":
			fmt.Fprint(conn, "221 Bye\r\n")
			return
		}
	}
}

// readMail is the subject and the text of a message, as a person sees them.
func readMail(text string) string {
	message, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return err.Error()
	}
	body, err := io.ReadAll(quotedprintable.NewReader(message.Body))
	if err != nil {
		return err.Error()
	}
	return message.Header.Get("Subject") + "\n" + string(body)
}
