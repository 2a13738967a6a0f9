package client

import (
	"bufio"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// Sizes of the read buffer. jsontext reads 4 KiB at a time, which would cost
// many system calls for a large selection; other replies are smaller.
const (
	selectionBuffer = 64 << 10
	defaultBuffer   = 4 << 10
)

// wire is the body of a reply as it arrives. It counts the bytes, and records
// why the connection broke: a decoder on top of it cannot distinguish a broken
// connection from broken JSON.
type wire struct {
	body  io.Reader
	bytes int64
	err   error // why the connection broke; nil at a regular end
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	w.bytes += int64(n)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// content returns the content of a reply as a stream, decompressed if needed.
// It buffers size bytes at a time.
func content(w *wire, header http.Header, size int) (io.Reader, error) {
	buffered := bufio.NewReaderSize(w, size)
	if !strings.EqualFold(header.Get("Content-Encoding"), "gzip") {
		return buffered, nil
	}
	return gzip.NewReader(buffered)
}
