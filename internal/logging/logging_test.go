package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func open(t testing.TB, format Format, operations map[string]slog.Level) (*Log, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	l, err := Open(Options{Writer: &out, Level: "info", Format: format, Operations: operations})
	if err != nil {
		t.Fatal(err)
	}
	return l, &out
}

func TestParseLevel(t *testing.T) {
	for word, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "TRACE": slog.LevelDebug, "All": slog.LevelDebug,
		"info": slog.LevelInfo, "Warn": slog.LevelWarn, "warning": slog.LevelWarn,
		"error": slog.LevelError, "FATAL": slog.LevelError, "off": slog.LevelError,
	} {
		got, err := ParseLevel(word)
		if err != nil || got != want {
			t.Errorf("ParseLevel(%q) = %v, %v; want %v", word, got, err, want)
		}
		if again, err := ParseLevel(Word(got)); err != nil || again != got {
			t.Errorf("%v is written as %q, which is read as %v, %v", got, Word(got), again, err)
		}
	}
	if _, err := ParseLevel("loud"); err == nil || !strings.Contains(err.Error(), `"loud"`) {
		t.Errorf("an unknown level must be named, got %v", err)
	}
}

func TestParseOperations(t *testing.T) {
	levels, err := ParseOperations([]string{"send=debug", " healthy = INFO", "send=warn"})
	if err != nil || fmt.Sprint(RenderOperations(levels)) != "[healthy=info send=warn]" {
		t.Errorf("got %v, %v", levels, err)
	}
	for _, bad := range []string{"send", "=info", "send=", "send=loud"} {
		if _, err := ParseOperations([]string{bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestLevelsChangeWhileRunning(t *testing.T) {
	l, out := open(t, JSON, map[string]slog.Level{"healthy": slog.LevelWarn})
	l.Debug("hidden")
	l.SetLevel(slog.LevelDebug)
	l.Debug("shown", "key", "value")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("exactly one JSON line was expected, got %q: %v", out.String(), err)
	}
	if line["msg"] != "shown" || line["key"] != "value" {
		t.Errorf("unexpected line %v", line)
	}

	send, healthy := l.Threshold("send"), l.Threshold("healthy")
	if !send.Enabled(slog.LevelDebug) || healthy.Enabled(slog.LevelInfo) {
		t.Error("an operation without a level has the common one, one with a level has its own")
	}
	l.SetLevel(slog.LevelError)
	info := slog.LevelInfo
	l.SetOperation("send", &info)
	if !send.Enabled(slog.LevelInfo) || send.Enabled(slog.LevelDebug) {
		t.Error("an operation's own level counts")
	}
	if got := fmt.Sprint(l.Operations()); got != "map[healthy:WARN send:INFO]" {
		t.Error(got)
	}
	l.SetOperation("send", nil)
	if send.Enabled(slog.LevelInfo) || len(l.Operations()) != 1 || l.Level() != slog.LevelError {
		t.Error("the operation's level was not taken away")
	}
}

func TestOpenRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, o := range []Options{{Level: "info", Format: "xml"}, {Level: "", Format: Text}} {
		if _, err := Open(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

// request is one whose every value needs care.
func request() *Request {
	return &Request{
		At: time.Date(2026, 3, 1, 9, 5, 7, 42e6, time.UTC), ID: "a\"b\\c\x01\xff d", Operation: "send", Method: "POST",
		Path: "/topics/{topicname}", From: "[::1]:4711", Status: 503, Duration: 1234567 * time.Nanosecond, BytesIn: 12, BytesOut: 1 << 40, Error: "x y",
	}
}

func TestRequestLines(t *testing.T) {
	l, out := open(t, Text, nil)
	l.Request(request())
	l.Flush()
	want := `time=2026-03-01T09:05:07.042Z level=INFO msg=request id="a\"b\\c\x01\xff d" operation=send method=POST ` +
		`path=/topics/{topicname} status=503 duration_ms=1.234 bytes_in=12 bytes_out=1099511627776 from=[::1]:4711 error="x y"` + "\n"
	if out.String() != want {
		t.Errorf("\n got %s\nwant %s", out, want)
	}

	l, out = open(t, JSON, nil)
	l.Request(request())
	l.Flush()
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	if got["id"] != "a\"b\\c\x01� d" || got["time"] != "2026-03-01T09:05:07.042Z" || got["duration_ms"] != 1.234 || got["error"] != "x y" ||
		got["level"] != "INFO" || got["msg"] != "request" || got["status"] != 503.0 {
		t.Errorf("got %v", got)
	}
}

// slog's own handlers write the same members in the same forms, so that one parser reads both kinds of lines.
func TestRequestLinesLookLikeOthers(t *testing.T) {
	r := request()
	r.Error = ""
	for format, pattern := range map[Format]string{Text: "level=INFO msg=request id=", JSON: `,"level":"INFO","msg":"request","id":`} {
		l, out := open(t, format, nil)
		l.Info("request", "id", r.ID, "operation", r.Operation)
		theirs := out.String()
		out.Reset()
		l.Request(r)
		l.Flush()
		if !strings.Contains(theirs, pattern) || !strings.Contains(out.String(), pattern) {
			t.Errorf("%s: %q is not in both of\n%s%s", format, pattern, theirs, out)
		}
		if strings.Contains(out.String(), "error") {
			t.Errorf("%s: an error without one: %s", format, out)
		}
	}
}

func TestTimeFollowsTheClock(t *testing.T) {
	l, out := open(t, Text, nil)
	zone := time.FixedZone("", 2*3600)
	for _, at := range []time.Time{
		time.Unix(1000, 1e6).UTC(), time.Unix(1000, 999e6).UTC(), time.Unix(1001, 0).UTC(), time.Unix(2000, 0).In(zone),
	} {
		out.Reset()
		r := request()
		r.At = at
		l.Request(r)
		l.Flush()
		if want := "time=" + at.Format("2006-01-02T15:04:05.000Z07:00") + " "; !strings.HasPrefix(out.String(), want) {
			t.Errorf("got %s, want %s", out, want)
		}
	}
}

// counter counts writes.
type counter struct {
	mu     sync.Mutex
	writes int
	text   strings.Builder
}

func (c *counter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	return c.text.Write(p)
}

func (c *counter) lines() (lines, writes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Count(c.text.String(), "\n"), c.writes
}

func TestRequestLinesGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c counter
		l, err := Open(Options{Writer: &c, Level: "info", Format: Text})
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			l.Request(request())
		}
		if lines, _ := c.lines(); lines != 0 {
			t.Errorf("%d lines were not held back", lines)
		}
		time.Sleep(heldTime + time.Millisecond)
		if lines, writes := c.lines(); lines != 50 || writes != 1 {
			t.Errorf("%d lines in %d writes, want 50 in 1", lines, writes)
		}
		l.Request(request())
		l.Warn("at once")
		if lines, writes := c.lines(); lines != 52 || writes != 2 {
			t.Errorf("%d lines in %d writes: a warning takes along what waits, in order", lines, writes)
		}
		for range 1000 {
			l.Request(request())
		}
		if _, writes := c.lines(); writes < 3 {
			t.Error("more than heldBytes is held back")
		}
		l.Close()
		if lines, _ := c.lines(); lines != 1052 {
			t.Errorf("%d lines after the end, want 1052", lines)
		}
		l.Request(request())
		if lines, _ := c.lines(); lines != 1053 {
			t.Error("a line after the end was held back")
		}
	})
}

func TestNoLineIsLostOrTorn(t *testing.T) {
	var c counter
	l, err := Open(Options{Writer: &c, Level: "info", Format: JSON})
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 8, 500
	var group sync.WaitGroup
	for n := range writers {
		group.Go(func() {
			for range each {
				l.Request(request())
				if n == 0 {
					l.Info("other")
				}
			}
		})
	}
	group.Wait()
	l.Close()
	lines := strings.Split(strings.TrimSpace(c.text.String()), "\n")
	if want := writers*each + each; len(lines) != want {
		t.Errorf("%d lines, want %d", len(lines), want)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Fatalf("torn line %q", line)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestABrokenWriterKeepsNothing(t *testing.T) {
	l, err := Open(Options{Writer: broken{}, Level: "info", Format: Text})
	if err != nil {
		t.Fatal(err)
	}
	for range 5000 {
		l.Request(request())
	}
	if len(l.out.held) > heldBytes {
		t.Errorf("%d bytes are kept for a writer that takes none", len(l.out.held))
	}
	l.Close()
}

func FuzzRequestJSON(f *testing.F) {
	f.Add("id", "error")
	f.Add("\u2028\"\\", "\x00\x7f\xc3(")
	f.Fuzz(func(t *testing.T, id, class string) {
		r := request()
		r.ID, r.Error = id, class
		for _, format := range []Format{JSON, Text} {
			l, out := open(t, format, nil)
			l.Request(r)
			l.Flush()
			if n := strings.Count(out.String(), "\n"); n != 1 {
				t.Errorf("%d lines from one request", n)
			}
			if format == JSON && !json.Valid(out.Bytes()) {
				t.Errorf("not JSON: %s", out)
			}
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	for _, format := range []Format{Text, JSON} {
		b.Run(string(format), func(b *testing.B) {
			var c discard
			l, err := Open(Options{Writer: &c, Level: "info", Format: format})
			if err != nil {
				b.Fatal(err)
			}
			r := request()
			r.ID, r.Error = "4f2a9c0011223344", ""
			b.ReportAllocs()
			for b.Loop() {
				r.At = r.At.Add(time.Millisecond)
				l.Request(r)
			}
		})
	}
}

type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }
