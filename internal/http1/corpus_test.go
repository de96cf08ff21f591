package http1

import "strings"

// corpus returns what clients send, right and wrong: seeds for the fuzz target, and questions to both servers.
func corpus() []string {
	return append(append(sound(), smuggled()...), unsound()...)
}

// sound requests are plain or net/http's, and answered.
func sound() []string {
	const host = "Host: x\r\n"
	post := "POST /echo?a=b HTTP/1.1\r\n" + host + "Content-Type: a/b\r\n"
	return []string{
		"GET /echo HTTP/1.1\r\n" + host + "\r\n",
		"GET /echo?a=%20b&c HTTP/1.1\r\n" + host + "Accept: */*\r\nUser-Agent: x/1\r\n\r\n",
		"GET /echo/%2e%2e/a%2Fb?%zz HTTP/1.1\r\n" + host + "\r\n",
		"GET //echo//a? HTTP/1.1\r\n" + host + "\r\n",
		"GET /echo?? HTTP/1.1\r\n" + host + "\r\n",
		"GET /echo;a!'()*[]{}|^`\"<>\\#f HTTP/1.1\r\n" + host + "\r\n",
		"DELETE /echo HTTP/1.1\r\nhost:x\r\n\r\n",
		"PUT /echo HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\nhi",
		"PATCH /echo HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\nhi",
		"HEAD /echo HTTP/1.1\r\n" + host + "\r\n",
		"OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
		"GET http://y/echo HTTP/1.1\r\n" + host + "\r\n",
		"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"GET /echo HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n",
		"GET /echo HTTP/1.1\r\n" + host + "connection: Close\r\n\r\n",
		"GET /echo HTTP/1.1\r\n" + host + "Connection: keep-alive\r\n\r\n",
		"GET /echo HTTP/1.1\r\n" + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
		"GET /echo HTTP/1.1\r\n" + host + "Pragma: no-cache\r\n\r\n",
		"GET /echo HTTP/1.1\r\n" + host + "a: b\r\nA: c\r\na:\r\n\r\n",
		"GET /echo HTTP/1.1\r\n" + host + "a:  b \t \r\nb: c\td\r\nc: \xe4\r\n\r\n",
		"GET /echo HTTP/1.1\r\n" + host + "a: b\r\n c\r\n\r\n",
		strings.ReplaceAll("GET /echo HTTP/1.1\r\n"+host+"\r\n", "\r\n", "\n"),
		post + "Content-Length: 5\r\n\r\nhello",
		post + "Content-Length: 5\r\n\r\nhello\r\n",
		post + "Content-Length: 5\r\n\r\nhello\n\n\n\n",
		post + "Content-Length: 0\r\n\r\n",
		post + "\r\n",
		post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		post + "Content-Length: 5000\r\n\r\n" + strings.Repeat("a", 5000),
		post + "Content-Length: 300000\r\n\r\n" + strings.Repeat("a", 300_000),
		post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		post + "Transfer-Encoding: chunked\r\nTrailer: t\r\n\r\n5\r\nhello\r\n0\r\nt: 1\r\n\r\n",
		post + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
		"GET /echo HTTP/1.1\r\n" + host + "a: " + strings.Repeat("b", 3000) + "\r\n\r\n",
		"GET /echo HTTP/1.1\r\n" + host + "a: " + strings.Repeat("b", 5000) + "\r\n\r\n",
		"GET /echo HTTP/1.1\r\n" + host + strings.Repeat("a: b\r\n", 100) + "\r\n",
		"GET /" + strings.Repeat("a", 4000) + " HTTP/1.1\r\n" + host + "\r\n",
	}
}

// smuggled requests hide another one, or may be cut in two ways.
func smuggled() []string {
	const (
		post   = "POST /echo HTTP/1.1\r\nHost: x\r\n"
		hidden = "DELETE /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
	)
	var texts []string
	for _, headers := range []string{
		"Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Content-Length: -5\r\n",
		"Content-Length: 0x5\r\n", "Content-Length: 5 \t\r\n", "Content-Length:\t5\r\n", "Content-Length: 05\r\n", "Content-Length: \r\n",
		"Content-Length: 18446744073709551621\r\n", "Content-Length : 5\r\n", " Content-Length: 5\r\n", "Content-Length\t: 5\r\n",
		"content_length: 5\r\n", "Content-Length: 5\r\n 5\r\n", "Content-Length: 5\n", "A: b\rContent-Length: 5\r\n", "A: b\x00\r\nContent-Length: 5\r\n",
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
		"Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: \vchunked\r\n", "Transfer-Encoding:\r\n",
		"Transfer-Encoding : chunked\r\n", "TRANSFER-ENCODING: chunked\r\nTransfer-Encoding: chunked\r\n", "transfer_encoding: chunked\r\n",
		"Host: y\r\n", "Content-Length: 5\r\nConnection: content-length\r\n", "Content-Length: 5\r\nTrailer: content-length\r\n",
	} {
		texts = append(texts, post+headers+"\r\nhello"+hidden, post+headers+"\r\n5\r\nhello\r\n0\r\n\r\n"+hidden)
	}
	return texts
}

// unsound requests are none, or not whole.
func unsound() []string {
	return []string{
		"", "x", "\n", "\r\n", "\r\n\r\n", "nonsense\r\n\r\n", "GET /\r\n", "GET / HTTP/9.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
		"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\na\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\na: \x01\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nExpect: money\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x", "GET / HTTP/1.1\r\nHost: x\r\n", "GET / HTT", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhell",
		"PRI * HTTP\r\n\r\n", "\x16\x03\x01\x00\xa5\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\na: " + strings.Repeat("b", 3900),
	}
}
