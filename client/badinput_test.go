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

// The parts of honest replies, to put one bad thing into.
const (
	operationReply = `{"operation":{"_id":"a","status":"s","valid":true,"count":{"total":1}},"success":true}`
	fileDataReply  = `{"users":[{"is_bot":true}],"channels":[{"is_direct":true}],"contacts":[{}],"message_count":1,"success":true}`
)

func TestAnOperationReplyThatIsNotOneIsADecodeFailure(t *testing.T) {
	operation := func(fields string) string {
		return `{"operation":{"_id":"a","status":"s",` + fields + `},"success":true}`
	}
	count := func(fields string) string { return operation(`"count":{` + fields + `}`) }
	fileData := func(fields string) string { return operation(`"fileData":{` + fields + `}`) }
	for name, reply := range map[string]string{
		"nothing":                              "",
		"null":                                 `null`,
		"an array":                             `[` + operationReply + `]`,
		"an empty object":                      `{}`,
		"neither operation nor success":        `{"operation":null}`,
		"a string":                             `"operation"`,
		"text":                                 `Service unavailable`,
		"truncated":                            operationReply[:len(operationReply)-1],
		"truncated in a name":                  `{"operation":{"_i`,
		"something follows":                    operationReply + `{}`,
		"text follows":                         operationReply + `x`,
		"a brace follows":                      operationReply + `}`,
		"a comma too many":                     `{"success":true,}`,
		"a name that is no string":             `{1:true,"success":true}`,
		"an object in place of a name":         `{{"a":1}:true,"success":true}`,
		"success is null":                      `{"success":null}`,
		"success is a string":                  `{"success":"true"}`,
		"success twice":                        `{"success":true,"success":true}`,
		"success twice, once escaped":          `{"success":true,"succ\u0065ss":false}`,
		"operation is a string":                `{"operation":"a","success":true}`,
		"operation is an array":                `{"operation":[],"success":true}`,
		"operation is false":                   `{"operation":false,"success":true}`,
		"operation twice":                      `{"operation":{"_id":"a","status":"s"},"operation":{"_id":"b","status":"s"}}`,
		"operation twice, first null":          `{"operation":null,"operation":{"_id":"a","status":"s"},"success":true}`,
		"operation twice, then null":           `{"operation":{"_id":"a","status":"s"},"operation":null,"success":true}`,
		"operation null twice":                 `{"operation":null,"operation":null,"success":true}`,
		"error twice":                          `{"error":"a","error":"b","success":true}`,
		"errorType twice":                      `{"errorType":"a","errorType":"b","success":true}`,
		"no _id":                               `{"operation":{"status":"s"}}`,
		"_id is empty":                         `{"operation":{"_id":"","status":"s"}}`,
		"_id is null":                          `{"operation":{"_id":null,"status":"s"}}`,
		"_id is a number":                      `{"operation":{"_id":1,"status":"s"}}`,
		"_id twice":                            operation(`"_id":"a"`),
		"no status":                            `{"operation":{"_id":"a"}}`,
		"status is empty":                      `{"operation":{"_id":"a","status":""}}`,
		"status is null":                       `{"operation":{"_id":"a","status":null}}`,
		"status is an object":                  `{"operation":{"_id":"a","status":{}}}`,
		"status twice":                         operation(`"status":"s"`),
		"status twice, once escaped":           operation(`"st\u0061tus":"s"`),
		"valid is a string":                    operation(`"valid":"true"`),
		"valid is a number":                    operation(`"valid":1`),
		"valid twice":                          operation(`"valid":true,"valid":null`),
		"type is a number":                     operation(`"type":1`),
		"type twice":                           operation(`"type":null,"type":"a"`),
		"importerKey is an array":              operation(`"importerKey":[]`),
		"importerKey twice":                    operation(`"importerKey":"a","importerKey":"a"`),
		"ts twice":                             operation(`"ts":1,"ts":null`),
		"_updatedAt twice":                     operation(`"_updatedAt":"x","_updatedAt":{}`),
		"count is an array":                    operation(`"count":[]`),
		"count is a number":                    operation(`"count":1`),
		"count twice":                          operation(`"count":null,"count":{}`),
		"total twice":                          count(`"total":1,"total":1`),
		"completed twice":                      count(`"completed":null,"completed":1`),
		"error count twice":                    count(`"error":1,"error":1`),
		"users count twice":                    count(`"users":1,"us\u0065rs":1`),
		"channels count twice":                 count(`"channels":1,"channels":1`),
		"messages count twice":                 count(`"messages":1,"messages":1`),
		"contacts count twice":                 count(`"contacts":1,"contacts":1`),
		"a count is negative":                  count(`"total":-1`),
		"a count is negative zero":             count(`"total":-0`),
		"a count has a fraction":               count(`"users":1.5`),
		"a count has a fraction of zero":       count(`"users":1.0`),
		"a count has an exponent":              count(`"users":1e3`),
		"a count needs 65 bits":                count(`"completed":9223372036854775808`),
		"a count has 400 digits":               count(`"completed":` + strings.Repeat("9", 400)),
		"a count is a string":                  count(`"error":"1"`),
		"a count is an array":                  count(`"messages":[1]`),
		"a count begins with zero":             count(`"messages":01`),
		"a count is NaN":                       count(`"messages":NaN`),
		"fileData is an array":                 operation(`"fileData":[]`),
		"fileData twice":                       operation(`"fileData":null,"fileData":null`),
		"fileData has no users":                fileData(`"channels":[],"message_count":0`),
		"fileData has no channels":             fileData(`"users":[],"message_count":0`),
		"fileData has no message_count":        fileData(`"users":[],"channels":[]`),
		"fileData's users are null":            fileData(`"users":null,"channels":[],"message_count":0`),
		"fileData's users twice":               fileData(`"users":[],"users":[],"channels":[],"message_count":0`),
		"fileData's message_count is negative": fileData(`"users":[],"channels":[],"message_count":-1`),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := askOperation(t, reply)
			if wantReason(t, err, Decode); got != nil {
				t.Errorf("got %+v beside the error", got)
			}
		})
	}
}

func TestAFileDataReplyThatIsNotOneIsADecodeFailure(t *testing.T) {
	replies := map[string]string{
		"nothing":                       "",
		"null":                          `null`,
		"an array":                      `[]`,
		"an empty object":               `{}`,
		"only success":                  `{"success":true}`,
		"waiting is false":              `{"waiting":false,"success":true}`,
		"waiting is null":               `{"waiting":null,"success":true}`,
		"waiting is a string":           `{"waiting":"true"}`,
		"waiting twice":                 `{"waiting":true,"waiting":true}`,
		"no users":                      `{"channels":[],"message_count":0}`,
		"no channels":                   `{"users":[],"message_count":0}`,
		"no message_count":              `{"users":[],"channels":[]}`,
		"truncated":                     fileDataReply[:len(fileDataReply)-1],
		"truncated in a user":           `{"users":[{"is_bot":tr`,
		"truncated between users":       `{"users":[{},`,
		"something follows":             fileDataReply + "0",
		"success twice":                 strings.Replace(fileDataReply, `"success"`, `"success":true,"success"`, 1),
		"users twice":                   strings.Replace(fileDataReply, `{"users"`, `{"users":[],"users"`, 1),
		"users twice, once escaped":     strings.Replace(fileDataReply, `{"users"`, `{"us\u0065rs":[],"users"`, 1),
		"channels twice":                strings.Replace(fileDataReply, `"channels"`, `"channels":[],"channels"`, 1),
		"contacts twice":                strings.Replace(fileDataReply, `"contacts"`, `"contacts":[],"contacts"`, 1),
		"message_count twice":           strings.Replace(fileDataReply, `"message_count"`, `"message_count":1,"message_count"`, 1),
		"a channel's is_archived twice": strings.Replace(fileDataReply, `{"is_direct"`, `{"is_archived":true,"is_archived":true,"is_direct"`, 1),
		"users nest too deep":           `{"users":[{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}],"channels":[],"message_count":0}`,
		"objects nest too deep":         `{"x":` + strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat("}", 20000) + `}`,
		"a closing bracket too many":    `{"users":[]],"channels":[],"message_count":0}`,
		"a bracket of another kind":     `{"users":[},"channels":[],"message_count":0}`,
		"a control character":           "{\"users\":[{\"username\":\"a\x00b\"}],\"channels\":[],\"message_count\":0}",
	}
	for _, list := range []string{"users", "channels", "contacts"} {
		for _, value := range []string{"null", "{}", `"[]"`, "0", "true", "[null]", "[1]", `["a"]`, "[[]]", "[{},null]", "[{},]", "[{}{}]"} {
			if list == "contacts" && value == "null" {
				continue // below
			}
			honest := map[string]string{"users": "[]", "channels": "[]", "contacts": "[]"}
			honest[list] = value
			replies[list+" is "+value] = fmt.Sprintf(`{"users":%s,"channels":%s,"contacts":%s,"message_count":0}`, honest["users"], honest["channels"], honest["contacts"])
		}
	}
	replies["contacts is null"] = `{"users":[],"channels":[],"contacts":null,"message_count":0}`
	for _, value := range []string{"null", "-1", "-0", "0.5", "1.0", "1e3", "1E3", "9223372036854775808", `"1"`, "[]", "{}", "true", "01", "+1", "0x1"} {
		replies["message_count is "+value] = `{"users":[],"channels":[],"message_count":` + value + `}`
	}
	for _, flag := range []string{"is_deleted", "is_bot", "is_email_taken", "do_import"} {
		for _, value := range []string{`"true"`, "1", "0", "[]", "{}", fmt.Sprintf(`true,"%s":true`, flag), fmt.Sprintf(`null,"%s":null`, flag)} {
			replies["user's "+flag+" is "+value] = `{"users":[{"` + flag + `":` + value + `}],"channels":[],"message_count":0}`
		}
	}
	for _, flag := range []string{"is_archived", "is_private", "is_direct", "do_import"} {
		for _, value := range []string{`"true"`, "1", "0", "[]", "{}", fmt.Sprintf(`true,"%s":true`, flag), fmt.Sprintf(`null,"%s":null`, flag)} {
			replies["channel's "+flag+" is "+value] = `{"users":[],"channels":[{"` + flag + `":` + value + `}],"message_count":0}`
		}
	}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			got, err := askFileData(t, reply)
			if wantReason(t, err, Decode); got != (FileData{}) {
				t.Errorf("got %+v beside the error", got)
			}
		})
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
		// The status says enough.
		"a refusal":      {403, `{"success":false,`, Forbidden},
		"an error page":  {502, "", HTTPStatus},
		"not authorized": {401, `{"error":"`, Unauthorized},
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
