package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Replies to put one bad thing into.
const (
	goodOperation = `{"operation":{"_id":"a","status":"s","valid":true,"count":{"total":1}},"success":true}`
	goodFileData  = `{"users":[{"is_bot":true}],"channels":[{"is_direct":true}],"contacts":[{}],"message_count":1,"success":true}`
)

func TestAnOperationReplyThatIsNotOneIsADecodeFailure(t *testing.T) {
	operation := func(fields string) string {
		return `{"operation":{"_id":"a","status":"s",` + fields + `},"success":true}`
	}
	replies := map[string]string{
		"nothing":                         "",
		"space":                           " ",
		"null":                            `null`,
		"an array":                        `[` + goodOperation + `]`,
		"an empty object":                 `{}`,
		"neither operation nor success":   `{"operation":null}`,
		"a string":                        `"operation"`,
		"text":                            `Service unavailable`,
		"truncated":                       goodOperation[:len(goodOperation)-1],
		"truncated in a name":             `{"operation":{"_i`,
		"truncated in fileData":           `{"operation":{"_id":"a","status":"s","fileData":{"users":[{`,
		"something follows":               goodOperation + `{}`,
		"text follows":                    goodOperation + `x`,
		"a brace follows":                 goodOperation + `}`,
		"an extra comma":                  `{"success":true,}`,
		"a name that is no string":        `{1:true,"success":true}`,
		"success is null":                 `{"success":null}`,
		"success is a string":             `{"success":"true"}`,
		"success twice":                   `{"success":true,"success":true}`,
		"success twice, once escaped":     `{"success":true,"succ\u0065ss":false}`,
		"error twice":                     `{"error":"a","error":"b","success":true}`,
		"errorType twice":                 `{"errorType":"a","errorType":"b","success":true}`,
		"operation is a string":           `{"operation":"a","success":true}`,
		"operation is an array":           `{"operation":[],"success":true}`,
		"operation is false":              `{"operation":false,"success":true}`,
		"operation twice":                 `{"operation":{"_id":"a","status":"s"},"operation":{"_id":"b","status":"s"}}`,
		"operation twice, first null":     `{"operation":null,"operation":{"_id":"a","status":"s"},"success":true}`,
		"operation twice, then null":      `{"operation":{"_id":"a","status":"s"},"operation":null,"success":true}`,
		"status twice, once escaped":      operation(`"st\u0061tus":"s"`),
		"a count begins with zero":        operation(`"count":{"messages":01}`),
		"a count is NaN":                  operation(`"count":{"messages":NaN}`),
		"fileData is not well-formed":     operation(`"fileData":{"users":[}`),
		"a control character in fileData": operation("\"fileData\":{\"x\":\"a\x00b\"}"),
	}
	for _, field := range []string{"_id", "status"} {
		other := map[string]string{"_id": `"status":"s"`, "status": `"_id":"a"`}[field]
		replies["no "+field] = `{"operation":{` + other + `},"success":true}`
		for _, value := range []string{`""`, "null", "1", "true", "{}", "[]"} {
			replies[field+" is "+value] = `{"operation":{` + other + `,"` + field + `":` + value + `},"success":true}`
		}
	}
	for _, field := range []string{"_id", "importerKey", "type", "status", "valid", "ts", "_updatedAt", "count", "fileData"} {
		replies[field+" twice"] = `{"operation":{"_id":"a","status":"s","` + field + `":null,"` + field + `":null}}`
	}
	for _, field := range []string{"total", "completed", "error", "users", "channels", "messages", "contacts"} {
		replies["count of "+field+" twice"] = operation(`"count":{"` + field + `":1,"` + field + `":1}`)
	}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			got, err := askOperation(t, reply)
			if wantReason(t, err, Decode); got != nil {
				t.Errorf("got %+v and an error", got)
			}
		})
	}
}

func TestAFileDataReplyThatIsNotOneIsADecodeFailure(t *testing.T) {
	for name, reply := range map[string]string{
		"nothing":                       "",
		"null":                          `null`,
		"an array":                      `[]`,
		"an empty object":               `{}`,
		"only success":                  `{"success":true}`,
		"only contacts":                 `{"contacts":[{}],"success":true}`,
		"waiting is false":              `{"waiting":false,"success":true}`,
		"waiting is null":               `{"waiting":null,"success":true}`,
		"waiting is a string":           `{"waiting":"true"}`,
		"waiting twice":                 `{"waiting":true,"waiting":true}`,
		"the progress of an importer":   `{"key":"slack","name":"Slack","step":"importer_user_selection","count":{"total":0},"success":true}`,
		"every part is of another kind": `{"users":{},"channels":null,"message_count":"1","contacts":[],"success":true}`,
		"truncated":                     goodFileData[:len(goodFileData)-1],
		"truncated in a user":           `{"channels":[],"message_count":1,"users":[{"is_bot":tr`,
		"truncated between users":       `{"channels":[],"message_count":1,"users":[{},`,
		"something follows":             goodFileData + "0",
		"success twice":                 strings.Replace(goodFileData, `"success"`, `"success":true,"success"`, 1),
		"users nest too deep":           `{"users":[{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}],"channels":[],"message_count":0}`,
		"objects nest too deep":         `{"message_count":0,"x":` + strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat("}", 20000) + `}`,
		"an extra closing bracket":      `{"users":[]],"channels":[],"message_count":0}`,
		"a bracket of another kind":     `{"users":[},"channels":[],"message_count":0}`,
		"no comma between users":        `{"users":[{}{}],"channels":[],"message_count":0}`,
		"a comma after the last user":   `{"users":[{},],"channels":[],"message_count":0}`,
		"a control character":           "{\"users\":[{\"username\":\"a\x00b\"}],\"channels\":[],\"message_count\":0}",
		"a count begins with zero":      `{"users":[],"channels":[],"message_count":01}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := askFileData(t, reply)
			if wantReason(t, err, Decode); got != (FileData{}) {
				t.Errorf("got %+v and an error", got)
			}
		})
	}
}

func TestADecodeFailureSaysWhatIsWrongAndWhere(t *testing.T) {
	for reply, want := range map[string]string{
		"":                                    ": the reply is empty",
		`{"operation":{"_id":"a","_id":"a"}}`: ": duplicate field, at byte 30",
		`{"operation":"a"}`:                   ": a value of the wrong kind, at byte 13",
		`{"operation":{"status":"s"}}`:        ": the operation has no _id",
		`{"operation":{"_id":nope}}`:          ": invalid character 'o' in literal null (expecting 'u'), at byte 21",
		`{"success":true}{}`:                  ": something follows the reply",
		`{"x":["` + strings.Repeat("x", 2*mebibyte): ": a string, name, number or element is longer than 1 MiB",
	} {
		_, err := askOperation(t, reply)
		if e := wantReason(t, err, Decode); !strings.HasSuffix(e.Error(), want) {
			t.Errorf("%.50s: %v", reply, e)
		}
	}
}

func TestABadGzipReplyIsADecodeFailure(t *testing.T) {
	var good bytes.Buffer
	zip := gzip.NewWriter(&good)
	io.WriteString(zip, both)
	zip.Close()
	broken := bytes.Clone(good.Bytes())
	broken[len(broken)-5] ^= 0xff // its checksum
	for name, body := range map[string]string{
		"no gzip at all":        both,
		"a wrong checksum":      string(broken),
		"truncated":             good.String()[:good.Len()-10],
		"something follows":     good.String() + "x",
		"a second one follows":  good.String() + good.String(),
		"nothing":               "",
		"only the beginning":    good.String()[:5],
		"another compression's": "\x28\xb5\x2f\xfd" + both,
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
				err := call(t.Context(), newClient(t, serve(t, answer(200, body, "Content-Encoding", "gzip"))))
				wantReason(t, err, Decode)
			})
		})
	}
}

func TestTheNameOfTheCompressionMayBeInCapitals(t *testing.T) {
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	io.WriteString(zip, both)
	zip.Close()
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		if err := call(t.Context(), newClient(t, serve(t, answer(200, zipped.String(), "Content-Encoding", "GZIP")))); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatACacheAnswersIsNotBelieved(t *testing.T) {
	for age, believed := range map[string]bool{"": true, "0": true, "1": false, "86400": false, "old": false} {
		onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Cache-Control") != "no-cache" {
					t.Error("a cache may answer the request")
				}
				answer(200, both, "Age", age)(w, r)
			})
			err := call(t.Context(), newClient(t, url))
			if believed {
				if err != nil {
					t.Errorf("age %q: %v", age, err)
				}
				return
			}
			if e := wantReason(t, err, Decode); !strings.Contains(e.Hint, "cache") {
				t.Errorf("age %q: the hint is %q", age, e.Hint)
			}
		})
	}
}

func TestAConnectionThatBreaksInMidReplyIsAConnectionFailure(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	say := func(text string) func(*net.TCPConn) {
		return func(conn *net.TCPConn) { io.WriteString(conn, text) }
	}
	for name, test := range map[string]struct {
		answer func(*net.TCPConn)
		status int
	}{
		"half of Content-Length": {say(head + "Content-Length: 1000\r\n\r\n" + `{"success":true,`), 200},
		"none of Content-Length": {say(head + "Content-Length: 1000\r\n\r\n"), 200},
		"one byte is missing":    {say(head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(both)+1) + both), 200},
		"half a chunk":           {say(head + "Transfer-Encoding: chunked\r\n\r\n100\r\n" + `{"success":true,`), 200},
		"no last chunk":          {say(head + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n", len(both), both)), 200},
		"a chunk of no length":   {say(head + "Transfer-Encoding: chunked\r\n\r\nnope\r\n"), 200},
		"gzip, half of Content-Length": {
			say(head + "Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n\x1f\x8b\x08\x00"), 200},
		"a reset in mid-reply": {func(conn *net.TCPConn) {
			io.WriteString(conn, head+"Content-Length: 1000\r\n\r\n"+`{"success":true,`)
			conn.SetLinger(0)
		}, 200},
		"half a header":  {say("HTTP/1.1 200 OK\r\nContent-Ty"), 0},
		"half a line":    {say("HTTP/1."), 0},
		"another answer": {say("SSH-2.0-OpenSSH_9.2p1\r\n\r\n"), 0},
		"a reset at once": {func(conn *net.TCPConn) {
			conn.SetLinger(0)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
				server := serveRaw(t, test.answer)
				e := wantReason(t, call(t.Context(), newClient(t, server.URL)), Connection)
				// A reset may overtake the status line.
				if e.Status != test.status && name != "a reset in mid-reply" {
					t.Errorf("status is %d, want %d", e.Status, test.status)
				}
			})
		})
	}
}

func TestATruncatedReplyWithARegularEndIsADecodeFailure(t *testing.T) {
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		for _, reply := range []string{
			"HTTP/1.1 200 OK\r\n\r\n" + `{"success":true,`,
			"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + `{"success":true,`,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + `{"success":true,` + "\r\n0\r\n\r\n",
		} {
			server := serveRaw(t, func(conn *net.TCPConn) { io.WriteString(conn, reply) })
			wantReason(t, call(t.Context(), newClient(t, server.URL)), Decode)
		}
	})
}

func TestABodyThatTricklesInEndsWithTheCall(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		piece  string
		want   Reason
	}{
		"the start of a reply":  {200, `{"success":true,"x":"`, Timeout},
		"spaces":                {200, " ", Timeout},
		"the start of a string": {200, `{"users":[{"username":"`, Timeout},
		"nothing yet":           {200, "", Timeout},
		// Half of a body proves nothing.
		"a refusal":      {403, `{"success":false,`, HTTPStatus},
		"an error page":  {502, "", HTTPStatus},
		"not authorized": {401, `{"error":"`, HTTPStatus},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				url := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(test.status)
					io.WriteString(w, test.piece)
					w.(http.Flusher).Flush()
					<-r.Context().Done()
				})
				if e := wantReason(t, call(ctx, newClient(t, url)), test.want); e.Status != test.status {
					t.Errorf("status is %d, want %d", e.Status, test.status)
				}
			})
		})
	}
}

func TestABodyThatNeverEndsDoesNotDelayA429(t *testing.T) {
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(429)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // passes only if the call waits for the body
		defer cancel()
		if wantReason(t, call(ctx, newClient(t, url)), RateLimited); ctx.Err() != nil {
			t.Error("the call waited for the body")
		}
	})
}

func TestAProtocolSwitchThatNobodyAskedForEndsWithTheCall(t *testing.T) {
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		hold := make(chan struct{})
		server := serveRaw(t, func(conn *net.TCPConn) {
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			<-hold
		})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		over := make(chan error, 1)
		go func() { over <- call(ctx, newClient(t, server.URL)) }()
		select {
		case err := <-over:
			close(hold)
			wantReason(t, err, HTTPStatus)
		case <-time.After(5 * time.Second): // only where the call hangs
			close(hold)
			<-over
			t.Error("the call went on after its context had ended")
		}
	})
}

func TestTheNextCallAfterABadReplyIsFine(t *testing.T) {
	onBoth(t, func(t *testing.T, _ Endpoint, call func(context.Context, *Client) error) {
		bad := true
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if bad {
				answer(200, html+strings.Repeat(" ", 1<<20))(w, r)
				return
			}
			answer(200, both)(w, r)
		})
		c := newClient(t, url)
		wantReason(t, call(t.Context(), c), Decode)
		bad = false
		if err := call(t.Context(), c); err != nil {
			t.Error(err)
		}
	})
}
