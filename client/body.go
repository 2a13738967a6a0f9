package client

import (
	"bufio"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// How much is asked of a connection at a time. jsontext asks for 4 KiB, which
// would cost a large selection many system calls; other replies are smaller.
const (
	selectionRead = 64 << 10
	otherRead     = 4 << 10
)

// wire is the body of a reply as it comes from the connection. It counts what
// comes, and remembers why it broke, since a decoder above it cannot tell a
// connection that was cut from JSON that is wrong.
type wire struct {
	body  io.Reader
	bytes int64
	err   error // why the connection gave no more; nil at a regular end
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	w.bytes += int64(n)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// content returns the reply's content as a stream, decompressed if need be. It
// reads so much at a time.
func content(w *wire, header http.Header, read int) (io.Reader, error) {
	buffered := bufio.NewReaderSize(w, read)
	if !strings.EqualFold(header.Get("Content-Encoding"), "gzip") {
		return buffered, nil
	}
	return gzip.NewReader(buffered)
}
