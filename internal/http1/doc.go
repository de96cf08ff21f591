// Package http1 answers plain requests of HTTP/1.1 on TCP connections, for a fraction of what net/http takes, and gives
// every other connection, with the bytes that it has read, to net/http for good. What is plain is in parse.go: one Host,
// at most one Content-Length, no transfer encoding, no expectation, nothing that RFC 9112 asks to be lenient or careful
// about. So it never decides whether a request is wrong, and never how a strange one is cut: net/http does, as it always has.
//
// A client cannot tell the two apart: answers are the same bytes, and limits and timeouts are the same, with one
// exception: the end of idle connections is looked for in steps of a tenth of IdleTimeout.
//
// Handlers get the net/http they know, with these limits. The request, its header map, its URL and the answer's header
// map belong to the next request as soon as the handler has returned; strings stay valid, and so does the context. The
// context's Done is what costs a goroutine, from its first call on: who needs only values takes context.WithoutCancel. It
// has neither the server nor the local address among its values. A read deadline holds for reads that begin after it was
// set. The answer's headers are not changed between WriteHeader and the end; trailers, encodings of a handler's own,
// full duplex and hijacking are not there.
//
// The package knows nothing of routes, of limits on connections, or of TLS.
package http1
