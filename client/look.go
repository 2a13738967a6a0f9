package client

import (
	"context"
	"sync"
)

// Look is an answer of getCurrentImportOperation, and the connection over which it came. Close it,
// or read the selection, which closes it.
type Look struct {
	OperationAnswer
	exchange *exchange
}

// Look calls getCurrentImportOperation (3.0 to 8.x), which never writes, over a connection of its
// own. Its error is an [*Error].
func (c *Client) Look(ctx context.Context) (*Look, error) {
	x, err := c.open(EndpointCurrentOperation, 4<<10)
	if err != nil {
		return nil, err
	}
	var r operationReply
	if err := x.do(ctx, &r); err != nil {
		x.close()
		return nil, err
	}
	x.answer.Operation = r.Operation.value.operation(x.token)
	return &Look{x.answer, x}, nil
}

// Close closes the look's connection. It may be called more than once, and for nil.
func (l *Look) Close() {
	if l != nil {
		l.exchange.close()
	}
}

// FileData calls getImportFileData (3.0 to 8.x) over the look's connection, which it closes. In most
// steps of an import this call wipes what is staged: see [StepUserSelection]. Call it at most once.
//
// The request is written at most once, and at most a second after the look's question. If not all of
// it was written, the server has no request, and the error wraps [ErrNotSent]. Other errors are an
// [*Error]. It wraps [ErrNoOperation] if the workspace never had an import. FileData calls written
// once, as soon as the request was written or never will be.
func (l *Look) FileData(ctx context.Context, written func()) (FileData, error) {
	x := &exchange{
		client: l.exchange.client, transport: l.exchange.transport, connection: l.exchange.connection,
		buffer: selectionBuffer, call: Call{Endpoint: EndpointFileData}, token: l.exchange.token, guarded: true,
	}
	defer x.close()
	once := sync.OnceFunc(written)
	defer once()
	if err := x.connection.guard(l.exchange.asked, once); err != nil {
		return FileData{}, x.notSent(x.whyNotSent(err))
	}
	return x.fileData(ctx)
}

// selectionBuffer is how many bytes of a selection are read at a time.
const selectionBuffer = 64 << 10

// FileData calls getImportFileData as [Look.FileData] does, but over a new connection and in
// whatever step the import is. Its error is an [*Error].
func (c *Client) FileData(ctx context.Context) (FileData, error) {
	x, err := c.open(EndpointFileData, selectionBuffer)
	if err != nil {
		return FileData{}, err
	}
	defer x.close()
	return x.fileData(ctx)
}

func (x *exchange) fileData(ctx context.Context) (FileData, error) {
	var r fileDataReply
	err := x.do(ctx, &r)
	data := FileData{Instance: x.answer.Instance}
	switch {
	case err != nil:
	case r.Waiting.value == yes:
		data.Waiting = true
	default:
		data.Selection = r.selection()
	}
	return data, err
}
