package client

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// frozenURL is the variable that makes a process of this test freeze in the middle of a read.
const frozenURL = "TEST_FROZEN_URL"

// TestAProcessThatIsFrozen is no test, but what the process of the next one does: it freezes when its
// read is in the buffer and not yet written.
func TestAProcessThatIsFrozen(t *testing.T) {
	url := os.Getenv(frozenURL)
	if url == "" {
		t.Skip("see TestAProcessThatWasFrozenSendsNothingLate")
	}
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteHeaders: func() {
			runtime.LockOSThread() // a thread that signals itself stops before it goes on
			unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGSTOP)
		},
	})
	_, err := look(t, newClient(t, url)).FileData(ctx, func() {})
	fmt.Println("result:", err)
}

func TestAProcessThatWasFrozenSendsNothingLate(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if path.Base(r.URL.Path) == string(EndpointFileData) {
			arrived.Add(1)
		}
		answer(200, both)(w, r)
	})
	process := exec.Command(os.Args[0], "-test.run=^TestAProcessThatIsFrozen$", "-test.v")
	process.Env = append(os.Environ(), frozenURL+"="+url)
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	var status syscall.WaitStatus
	_, err = syscall.Wait4(process.Process.Pid, &status, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, status.Stopped())
	time.Sleep(sendWithin)
	require.NoError(t, process.Process.Signal(syscall.SIGCONT))
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
	}
	require.NoError(t, process.Wait())
	assert.Contains(t, strings.Join(said, "\n"), "result: "+ErrNotSent.Error())
	assert.Zero(t, arrived.Load())
}

// option returns an option of a client's connection.
func option(t *testing.T, conn net.Conn, level, name int) (value int) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) }))
	require.NoError(t, err)
	return value
}

func TestTheKernelGivesUpAReadThatIsNotAcknowledgedInTime(t *testing.T) {
	for _, test := range []struct{ before, atLeast, atMost time.Duration }{
		{0, 100 * time.Millisecond, sendWithin},
		{600 * time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond},
		{950 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond},
	} {
		l := look(t, newClient(t, serve(t, answer(200, both))))
		conn := l.exchange.connection
		assert.Zero(t, option(t, conn.Conn, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT), "not before the look's answer")
		assert.Zero(t, option(t, conn.Conn, unix.SOL_SOCKET, unix.SO_KEEPALIVE), "a lost probe would end a slow read")
		require.NoError(t, conn.guard(ago(test.before, 0), func() {}))
		ms := option(t, conn.Conn, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
		assert.GreaterOrEqual(t, ms, int(test.atLeast.Milliseconds()))
		assert.LessOrEqual(t, ms, int(test.atMost.Milliseconds()))
	}
}

// A connection whose first SYN is lost stands after a second. The bound on a read must not end it.
func TestALostSYNFailsNoLook(t *testing.T) {
	t.Parallel()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(fd, 0)) // one connection may wait to be accepted
	file := os.NewFile(uintptr(fd), "listener")
	listener, err := net.FileListener(file)
	require.NoError(t, err)
	file.Close()
	defer listener.Close()
	first, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer first.Close()

	c := newClient(t, "http://"+listener.Addr().String())
	dial := c.dial
	dialing := make(chan struct{})
	c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		close(dialing)
		return dial(ctx, network, address)
	}
	server := &http.Server{Handler: answer(200, both)}
	defer server.Close()
	go func() {
		<-dialing
		for !synSent(t, listener.Addr().(*net.TCPAddr).Port) {
			time.Sleep(time.Millisecond)
		}
		server.Serve(listener)
	}()
	started := time.Now()
	l := look(t, c)
	assert.Greater(t, time.Since(started), 900*time.Millisecond, "no SYN was lost")
	_, err = read(t, l)
	require.NoError(t, err)
}

// synSent reports whether a connection to a port of this machine waits for the answer to its SYN.
func synSent(t *testing.T, port int) bool {
	table, err := os.ReadFile("/proc/self/net/tcp")
	assert.NoError(t, err)
	return strings.Contains(string(table), fmt.Sprintf(" 0100007F:%04X 02 ", port)) || t.Context().Err() != nil
}
