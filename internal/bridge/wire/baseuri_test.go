package wire

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestBaseURI(t *testing.T) {
	at := func(change func(*Location)) Location {
		l := Location{Scheme: "http", Host: "localhost:8080", Path: "/consumers/g"}
		change(&l)
		return l
	}
	for _, c := range []struct {
		name     string
		location Location
		instance string
		want     string
		err      *Error
	}{
		{"the request's own address", at(func(*Location) {}), "c", "http://localhost:8080/consumers/g/instances/c", nil},
		{"the port of http", at(func(l *Location) { l.Host = "bridge" }), "c", "http://bridge:80/consumers/g/instances/c", nil},
		{
			"the port of https", at(func(l *Location) { l.Scheme, l.Host = "https", "bridge" }), "c",
			"https://bridge:443/consumers/g/instances/c", nil,
		},
		{"an IPv6 address", at(func(l *Location) { l.Host = "[::1]" }), "c", "http://[::1]:80/consumers/g/instances/c", nil},
		{"an IPv6 address with port", at(func(l *Location) { l.Host = "[::1]:81" }), "c", "http://[::1]:81/consumers/g/instances/c", nil},
		{"a colon without port", at(func(l *Location) { l.Host = "h:" }), "c", "http://h::80/consumers/g/instances/c", nil},
		{"a trailing slash", at(func(l *Location) { l.Path = "/consumers/g/" }), "c", "http://localhost:8080/consumers/g/instances/c", nil},
		{
			"Forwarded", at(func(l *Location) { l.Forwarded = "host=my-api-gateway-host:443;proto=https" }), "c",
			"https://my-api-gateway-host:443/consumers/g/instances/c", nil,
		},
		{
			"Forwarded, the other way round and in capitals",
			at(func(l *Location) { l.Forwarded = "for=1.2.3.4;PROTO=https;By=x;Host=gw" }), "c",
			"https://gw:443/consumers/g/instances/c", nil,
		},
		{
			"Forwarded without port", at(func(l *Location) { l.Forwarded = "host=my-api-gateway-host;proto=http" }), "c",
			"http://my-api-gateway-host:80/consumers/g/instances/c", nil,
		},
		{
			"Forwarded with an unknown scheme", at(func(l *Location) { l.Forwarded = "host=my-api-gateway-host;proto=mqtt" }), "c",
			"", InvalidScheme("mqtt"),
		},
		{
			"an unknown scheme with a port", at(func(l *Location) { l.Forwarded = "host=gw:1883;proto=mqtt" }), "c",
			"mqtt://gw:1883/consumers/g/instances/c", nil,
		},
		{
			"HTTPS in capitals has no port", at(func(l *Location) { l.Forwarded = "host=gw;proto=HTTPS" }), "c",
			"", InvalidScheme("HTTPS"),
		},
		{
			"an incomplete Forwarded hides the others",
			at(func(l *Location) { l.Forwarded, l.ForwardedHost, l.ForwardedProto = "host=gw", "other:1", "https" }), "c",
			"http://localhost:8080/consumers/g/instances/c", nil,
		},
		{
			"Forwarded before the others",
			at(func(l *Location) {
				l.Forwarded, l.ForwardedHost, l.ForwardedProto = "host=gw:1;proto=https", "other:2", "http"
			}), "c",
			"https://gw:1/consumers/g/instances/c", nil,
		},
		{
			"quotation marks mean nothing", at(func(l *Location) { l.Forwarded = `host="gw:1";proto=https` }), "c",
			`https://"gw:1":443/consumers/g/instances/c`, nil,
		},
		{
			"commas mean nothing", at(func(l *Location) { l.Forwarded = "proto=http;host=a, for=b" }), "c",
			"http://a, for=b:80/consumers/g/instances/c", nil,
		},
		{
			"the first host that has a value", at(func(l *Location) { l.Forwarded = "host=;xhost=a:1;proto=http" }), "c",
			"http://a:1/consumers/g/instances/c", nil,
		},
		{
			"X-Forwarded-Host and -Proto", at(func(l *Location) { l.ForwardedHost, l.ForwardedProto = "my-api-gateway-host:443", "https" }), "c",
			"https://my-api-gateway-host:443/consumers/g/instances/c", nil,
		},
		{
			"X-Forwarded-Host alone", at(func(l *Location) { l.ForwardedHost = "gw" }), "c",
			"http://localhost:8080/consumers/g/instances/c", nil,
		},
		{
			"X-Forwarded-Path", at(func(l *Location) {
				l.Forwarded, l.ForwardedPath = "host=my-api-gateway-host:443;proto=https", "/my-bridge/consumers/g"
			}), "c",
			"https://my-api-gateway-host:443/my-bridge/consumers/g/instances/c", nil,
		},
		{
			"the slash is the request's affair",
			at(func(l *Location) { l.Path, l.ForwardedPath = "/consumers/g/", "/my/consumers/g" }), "c",
			"http://localhost:8080/my/consumers/ginstances/c", nil,
		},
		{
			"a name is encoded", at(func(*Location) {}), "a b/c?d%é",
			"http://localhost:8080/consumers/g/instances/a%20b%2Fc%3Fd%25%C3%A9", nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := BaseURI(c.location, c.instance)
			wantRefusal(t, err, c.err)
			if got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// Upstream's patterns for a Forwarded header, which the hand-written search has
// to agree with. The dot must match what a header cannot contain, too, for the
// comparison to be about the rest.
var (
	hostPattern  = regexp.MustCompile(`[hH][oO][sS][tT]=([^;]+)`)
	protoPattern = regexp.MustCompile(`[pP][rR][oO][tT][oO]=([^;]+)`)
	portPattern  = regexp.MustCompile(`(?s)\A.*:[0-9]+\z`)
)

// FuzzBaseURI: every header gives a URI or the 500 of InvalidScheme, a name comes
// back from its URI, and the search finds what upstream's patterns find.
func FuzzBaseURI(f *testing.F) {
	f.Add("host=gw:443;proto=https", "", "", "", "name")
	f.Add("HOST=;host=a;proto=b", "h", "p", "/x/", "a/b")
	f.Add("", "gw", "https", "", "é%")
	f.Add("ho\u017Ft=a;proto=\u017F", "", "", "", "")
	f.Fuzz(func(t *testing.T, forwardedHeader, host, proto, path, name string) {
		l := Location{
			Scheme: "http", Host: "localhost:8080", Path: "/consumers/g",
			Forwarded: forwardedHeader, ForwardedHost: host, ForwardedProto: proto, ForwardedPath: path,
		}
		for key, pattern := range map[string]*regexp.Regexp{"host=": hostPattern, "proto=": protoPattern} {
			want := ""
			if m := pattern.FindStringSubmatch(forwardedHeader); m != nil {
				want = m[1]
			}
			if got := forwarded(forwardedHeader, key); got != want {
				t.Errorf("%s in %q: %q, want %q", key, forwardedHeader, got, want)
			}
		}
		if got, want := hasPort(host), portPattern.MatchString(host); got != want {
			t.Errorf("port in %q: %v, want %v", host, got, want)
		}
		uri, err := BaseURI(l, name)
		if err != nil {
			if e := refusal(t, err); e.Code != 500 || !strings.HasSuffix(e.Message, " is not a valid schema/proto.") {
				t.Errorf("%v", e)
			}
			return
		}
		back, err := url.PathUnescape(uri[strings.LastIndex(uri, "/instances/")+len("/instances/"):])
		if err != nil || back != name {
			t.Errorf("%q names %q (%v), want %q", uri, back, err, name)
		}
	})
}
