package hostile

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const refusal = `{"error_code":400,"message":"Bad Request"}`

// record is a request that produces one record.
func record(topic string, headers ...string) string {
	const body = `{"records":[{"value":"v"}]}`
	return fmt.Sprintf("POST /topics/%s/partitions/0 HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.kafka.json.v2+json\r\nContent-Length: %d\r\n%s\r\n%s",
		topic, len(body), strings.Join(headers, ""), body)
}

func TestGarbageIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	b := attacked(t)
	var all sync.WaitGroup
	for _, garbage := range []string{
		"nonsense\r\n\r\n", "\r\n\r\n", "x\n", "GET /\r\n", "\n", "PRI * HTTP\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/9.1\r\nHost: x\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "\x00\x00\x00\x00\r\n\x00\x00\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\x00: y\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET http:// HTTP/1.1\r\nHost: \x01\r\n\r\n",
	} {
		all.Go(func() { b.garbage(garbage) })
	}
	all.Wait()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		text := make([]byte, random.IntN(400))
		for i := range text {
			text[i] = byte(random.Uint32())
		}
		conn := b.dial()
		_, _ = conn.Write(text) // whatever becomes of it
		_ = conn.Close()
	}
	b.settled()
	b.returned()
}

// garbage fails the test unless a text is refused in the bridge's words, and sooner than a timeout would.
func (b *target) garbage(text string) {
	began := time.Now()
	statuses, bodies, closed := b.answers(text, 5*time.Second)
	if took := time.Since(began); took > 2*time.Second { // net/http keeps what it refuses for half a second
		b.t.Errorf("%q: answered after %s", text, took)
	}
	if len(statuses) != 1 || !closed || statuses[0] != 400 && statuses[0] != 505 {
		b.t.Errorf("%q: answers %v, closed: %v", text, statuses, closed)
		return
	}
	if statuses[0] == 400 && bodies[0] != refusal {
		b.t.Errorf("%q: body %q", text, bodies[0])
	}
}

func TestHeaderBombs(t *testing.T) {
	t.Parallel()
	b := attacked(t)
	many := func(n int, header func(i int) string) string {
		var text strings.Builder
		for i := range n {
			text.WriteString(header(i))
		}
		return text.String()
	}
	var all sync.WaitGroup
	for name, c := range map[string]struct {
		request string
		want    []int
	}{
		"a header of 9,000 bytes": {"GET / HTTP/1.1\r\nHost: x\r\nx: " + strings.Repeat("a", 9000) + "\r\n\r\n", []int{431}},
		"a header of a megabyte":  {"GET / HTTP/1.1\r\nHost: x\r\nx: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", []int{431}},
		"a name of a megabyte":    {"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("a", 1<<20) + ": x\r\n\r\n", []int{431}},
		"100,000 headers": {
			"GET / HTTP/1.1\r\nHost: x\r\n" + many(100_000, func(i int) string { return fmt.Sprintf("a%d: b\r\n", i) }) + "\r\n",
			[]int{431},
		},
		"100,000 times one header": {"GET / HTTP/1.1\r\nHost: x\r\n" + many(100_000, func(int) string { return "a: b\r\n" }) + "\r\n", []int{431}},
		"folded lines without end": {"GET / HTTP/1.1\r\nHost: x\r\na: b\r\n" + many(100_000, func(int) string { return " c\r\n" }) + "\r\n", []int{431}},
		"a target of 5,000 bytes":  {"GET /" + strings.Repeat("a", 5000) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{414}},
		"a target of a megabyte":   {"GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{431}},
		"trailers without end": {"POST /topics/calm HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" +
			many(100_000, func(i int) string { return fmt.Sprintf("a%d: b\r\n", i) }) + "\r\n", []int{400}},
		"a chunk extension of a megabyte": {"POST /topics/calm HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
			strings.Repeat("a", 1<<20) + "\r\nx\r\n0\r\n\r\n", []int{400}},
	} {
		all.Go(func() {
			statuses, _, _ := b.answers(c.request, time.Second)
			// A client that goes on sending may lose the answer with the reset; what counts is that nobody takes it all in.
			if len(statuses) > 0 && !slices.Equal(statuses, c.want) {
				t.Errorf("%s: answers %v, want %v", name, statuses, c.want)
			}
		})
	}
	all.Wait()
	b.settled()
	b.returned()
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	b := attacked(t)
	var burst strings.Builder
	const n = 200
	for range n {
		burst.WriteString(record("pipe"))
	}
	statuses, bodies, _ := b.answers(burst.String(), time.Second)
	if len(statuses) != n {
		t.Fatalf("%d answers to %d requests", len(statuses), n)
	}
	for i, body := range bodies {
		if want := fmt.Sprintf(`{"offsets":[{"partition":0,"offset":%d}]}`, i); statuses[i] != 200 || body != want {
			t.Fatalf("answer %d: %d %s, want %s", i, statuses[i], body, want)
		}
	}
	// Somebody who never reads the answers: the bridge stops reading when the way back is full.
	conn := b.dial()
	_ = conn.SetDeadline(time.Now().Add(time.Second)) // a connection that was just opened can
	for err := error(nil); err == nil; {
		_, err = io.WriteString(conn, burst.String())
	}
	b.calm("while answers are not read")
	_ = conn.Close()
	b.settled()
	b.returned()
}

// hidden is a request inside another one that must never be taken for one.
const hidden = "DELETE /hidden HTTP/1.1\r\nHost: x\r\n\r\n"

// shape is a request that two servers might cut differently, and the statuses that answer it.
type shape struct {
	request string
	want    []int
}

func smugglingShapes() map[string]shape {
	const (
		post   = "POST /topics/calm HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.kafka.json.v2+json\r\n"
		body   = `{"records":[{"value":"v"}]}`
		chunks = "1b\r\n" + body + "\r\n0\r\n\r\n"
	)
	return map[string]shape{
		"two lengths that differ":          {post + "Content-Length: 27\r\nContent-Length: 5\r\n\r\n" + body + hidden, []int{400}},
		"two lengths in one line":          {post + "Content-Length: 27, 27\r\n\r\n" + body + hidden, []int{400}},
		"a length with a sign":             {post + "Content-Length: +27\r\n\r\n" + body + hidden, []int{400}},
		"a negative length":                {post + "Content-Length: -1\r\n\r\n" + body + hidden, []int{400}},
		"a hexadecimal length":             {post + "Content-Length: 0x1b\r\n\r\n" + body + hidden, []int{400}},
		"a length beyond 64 bits":          {post + "Content-Length: 18446744073709551643\r\n\r\n" + body + hidden, []int{400}},
		"an empty length":                  {post + "Content-Length: \r\n\r\n" + hidden, []int{400}},
		"a blank before the colon":         {post + "Content-Length : 27\r\n\r\n" + body + hidden, []int{400}},
		"a line that begins with blanks":   {"POST /topics/calm HTTP/1.1\r\n Host: x\r\n\r\n" + hidden, []int{400}},
		"two encodings":                    {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + hidden, []int{501}},
		"two encodings in one line":        {post + "Transfer-Encoding: gzip, chunked\r\n\r\n" + chunks + hidden, []int{501}},
		"chunked and identity":             {post + "Transfer-Encoding: chunked, identity\r\n\r\n" + chunks + hidden, []int{501}},
		"chunked with a tab":               {post + "Transfer-Encoding: \tchunked\r\n\r\n" + chunks, []int{200}},
		"chunked with a vertical tab":      {post + "Transfer-Encoding: \vchunked\r\n\r\n" + chunks + hidden, []int{400}},
		"encoding in HTTP/1.0":             {strings.Replace(post, "1.1", "1.0", 1) + "Transfer-Encoding: chunked\r\n\r\n" + chunks + hidden, []int{400}},
		"length and encoding":              {post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + hidden, []int{400}},
		"encoding and length":              {post + "Transfer-Encoding: chunked\r\nContent-Length: 300\r\n\r\n" + chunks + hidden, []int{400}},
		"a chunk size with a sign":         {post + "Transfer-Encoding: chunked\r\n\r\n+1b\r\n" + body + "\r\n0\r\n\r\n" + hidden, []int{400}},
		"a chunk size with a prefix":       {post + "Transfer-Encoding: chunked\r\n\r\n0x1b\r\n" + body + "\r\n0\r\n\r\n" + hidden, []int{400}},
		"a chunk size beyond 64 bits":      {post + "Transfer-Encoding: chunked\r\n\r\n10000000000000000001b\r\n" + body + "\r\n0\r\n\r\n" + hidden, []int{400}},
		"a chunk without its end":          {post + "Transfer-Encoding: chunked\r\n\r\n1b\r\n" + body + "0\r\n\r\n" + hidden, []int{400}},
		"a chunk longer than it says":      {post + "Transfer-Encoding: chunked\r\n\r\n5\r\n" + body + "\r\n0\r\n\r\n" + hidden, []int{400}},
		"bare LF behind a chunk size":      {post + "Transfer-Encoding: chunked\r\n\r\n1b\n" + body + "\r\n0\r\n\r\n" + hidden, []int{400}},
		"bare LF behind a chunk":           {post + "Transfer-Encoding: chunked\r\n\r\n1b\r\n" + body + "\n0\r\n\r\n" + hidden, []int{400}},
		"bare CR in a chunk extension":     {post + "Transfer-Encoding: chunked\r\n\r\n1b;a\rb\r\n" + body + "\r\n0\r\n\r\n" + hidden, []int{400}},
		"LF in a chunk extension":          {post + "Transfer-Encoding: chunked\r\n\r\n1b;a\nb\r\n" + body + "\r\n0\r\n\r\n" + hidden, []int{400}},
		"bare CR in a header":              {post + "A: b\rContent-Length: 27\r\n\r\n" + hidden, []int{400}},
		"NUL in a header":                  {post + "A: b\x00c\r\nContent-Length: 27\r\n\r\n" + body + hidden, []int{400}},
		"a length in a trailer":            {post + "Transfer-Encoding: chunked\r\n\r\n1b\r\n" + body + "\r\n0\r\nContent-Length: 5\r\n\r\n", []int{400}},
		"both names in a body":             {post + "Transfer-Encoding: chunked\r\n\r\n3d\r\n" + `{"records":[{"value":"content-length:transfer-encoding: 5"}]}` + "\r\n0\r\n\r\n", []int{200}},
		"a folded encoding":                {post + "Transfer-Encoding:\r\n chunked\r\n\r\n" + chunks, []int{200}},
		"a folded length":                  {post + "Content-Length:\r\n 27\r\n\r\n" + body, []int{200}},
		"bare LF everywhere":               {strings.ReplaceAll(record("calm"), "\r\n", "\n"), []int{200}},
		"the same length twice":            {post + "Content-Length: 27\r\nContent-Length: 27\r\n\r\n" + body, []int{200}},
		"a blank in the target":            {"GET /topics HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n" + hidden, []int{400}},
		"a body where none is read":        {"GET /topics/absent/partitions HTTP/1.1\r\nHost: x\r\nContent-Length: " + fmt.Sprint(len(hidden)) + "\r\n\r\n" + hidden, []int{404}},
		"an upgrade to HTTP/2":             {"GET /openapi HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", []int{200}},
		"two hosts":                        {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + hidden, []int{400}},
		"an absolute target, another host": {"GET http://other/ HTTP/1.1\r\nHost: x\r\n\r\n", []int{200}},
		"CONNECT":                          {"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", []int{405}},
		"expect what nobody knows":         {post + "Expect: money\r\nContent-Length: 27\r\n\r\n" + body, []int{417}},
	}
}

// TestSmugglingShapes: what two servers might cut differently is refused, and the connection closed; or it is cut in the
// one way that RFC 9112 allows. So it is as the first request, behind a good one, and when it comes by small pieces.
func TestSmugglingShapes(t *testing.T) {
	t.Parallel()
	b := attacked(t)
	var all sync.WaitGroup
	for name, c := range smugglingShapes() {
		for _, v := range []struct {
			how, before string
			piece       int
		}{{"alone", "", len(c.request)}, {"behind a good one", record("calm"), 2 * len(c.request)}, {"in pieces", record("calm"), 7}} {
			all.Go(func() { b.smuggle(name+", "+v.how, v.before, c, v.piece) })
		}
	}
	all.Wait()
	b.settled()
	b.returned()
}

// smuggle sends a shape behind a good request, if before is one.
func (b *target) smuggle(name, before string, c shape, piece int) {
	want := c.want
	if before != "" {
		want = append([]int{200}, want...)
	}
	statuses, bodies, closed := b.answersTo(before+c.request, piece, time.Second)
	if !slices.Equal(statuses, want) {
		b.t.Errorf("%s: answers %v, want %v (closed: %v): %q", name, statuses, want, closed, bodies)
		return
	}
	if strings.Contains(c.request, hidden) && c.want[0] != 404 && !closed {
		b.t.Errorf("%s: the connection stays open behind what might be read in two ways", name)
	}
}
