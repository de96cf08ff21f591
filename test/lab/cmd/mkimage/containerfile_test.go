package main

import (
	"reflect"
	"strings"
	"testing"
)

func amd64() platform { return platform{OS: "linux", Architecture: "amd64"} }

func TestParse(t *testing.T) {
	t.Parallel()
	text := `# a comment
ARG JAVA=17
FROM scratch
ARG TARGETARCH
ARG UNSET
COPY bin/${TARGETARCH}/steg /steg
COPY --chown=1000:0 --chmod=0640 a b \
  /etc/steg/
ADD base.tar /
ENV PATH=/opt/bin JAVA_VERSION=jdk-${JAVA}
ENV NAME="two words"
LABEL a=b c="d e"
WORKDIR /var
WORKDIR lib
EXPOSE 9092 8080/udp
VOLUME /data
USER 65532:65532
ENTRYPOINT ["/steg", "$NAME"]
CMD ["-h"]
`
	got, err := parse(text, amd64(), map[string]string{"JAVA": "21", "NEVER": "named"})
	if err != nil {
		t.Fatal(err)
	}
	want := &recipe{
		config: config{
			User: "65532:65532", WorkingDir: "/var/lib", Entrypoint: []string{"/steg", "$NAME"}, Cmd: []string{"-h"},
			Env:          []string{"PATH=/opt/bin", "JAVA_VERSION=jdk-21", "NAME=two words"},
			Labels:       map[string]string{"a": "b", "c": "d e"},
			ExposedPorts: map[string]struct{}{"9092/tcp": {}, "8080/udp": {}},
			Volumes:      map[string]struct{}{"/data": {}},
		},
		copies: []copying{
			{line: 6, from: []string{"bin/amd64/steg"}, to: "/steg"},
			{line: 7, from: []string{"a", "b"}, to: "/etc/steg/", uid: 1000, mode: 0o640},
			{line: 9, archive: true, from: []string{"base.tar"}, to: "/"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", "no FROM scratch"},
		{"# nothing", "no FROM scratch"},
		{"COPY a /a", "line 1: COPY before FROM"},
		{"FROM alpine", "line 1: FROM alpine: only scratch"},
		{"FROM scratch\nFROM scratch", "line 2: a second FROM"},
		{"FROM scratch\nRUN make", "line 2: RUN is not known here: nothing is run"},
		{"FROM scratch\n\nCOPY a", "line 3: COPY: say what, and where to"},
		{"FROM scratch\nCOPY a b", "b is not absolute"},
		{"FROM scratch\nCOPY a b /c", "end /c with a slash"},
		{"FROM scratch\nCOPY --link a /a", "--link is not known"},
		{"FROM scratch\nCOPY --chown=root:root a /a", "say numbers, UID:GID"},
		{"FROM scratch\nCOPY --chmod=u+x a /a", "octal mode"},
		{"FROM scratch\nADD a.tar.gz /", "ADD: only"},
		{"FROM scratch\nENTRYPOINT /a b", `ENTRYPOINT: only a list`},
		{"FROM scratch\nCMD []", `CMD: only a list`},
		{"FROM scratch\nENV A", "ENV A: not NAME=VALUE"},
		{"FROM scratch\nENV A=\"b", "a quote is not closed"},
		{"FROM scratch\nUSER $NOBODY", "nothing is left of it once variables are replaced"},
		{"FROM scratch\nUSER", "USER of nothing"},
		{"FROM scratch\nUSER a\\", "line 2: ends with a backslash"},
	} {
		_, err := parse(c.text, amd64(), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// Whatever is accepted has one FROM and absolute targets, and parsing ends.
func FuzzParse(f *testing.F) {
	f.Add("FROM scratch\nCOPY --chmod=0755 a /b/\nENV A=\"b c\"")
	f.Add("ARG A=1\nFROM scratch\nWORKDIR $A\\\n/b\nCMD [\"a\"]")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parse(text, amd64(), nil)
		if err != nil {
			return
		}
		if !strings.HasPrefix(r.config.WorkingDir, "/") {
			t.Errorf("working directory %q", r.config.WorkingDir)
		}
		for _, c := range r.copies {
			if !strings.HasPrefix(c.to, "/") || len(c.from) == 0 {
				t.Errorf("%+v", c)
			}
		}
	})
}
