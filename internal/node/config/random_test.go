package config

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// carryOut is what a node's log directories look like after a plan, which may be interrupted after a move's copy was complete.
func carryOut(plan StoragePlan, dirs []Dir, metadataDir, clusterID string, id int, interrupted bool) []Dir {
	after := slices.Clone(dirs)
	for i := range after {
		d := &after[i]
		switch {
		case plan.MoveFrom != "" && d.Path == metadataDir:
			d.Metadata = true
		case plan.MoveFrom == d.Path && !interrupted, slices.Contains(plan.Stale, d.Path) && !interrupted:
			d.Metadata = false
		}
		if plan.Format && d.Meta == nil && !interrupted {
			d.Meta = &Meta{ClusterID: clusterID, NodeID: strconv.Itoa(id)}
		}
	}
	return after
}

// TestPlanStorageAlways: whatever disks come, go and change places, a node's metadata are never given up, end up where they belong, and
// a second start finds nothing to do, also after an interruption; what is another's is refused.
func TestPlanStorageAlways(t *testing.T) {
	const ours, id = "AAAAAAAAAAAAAAAAAAAAAA", 3
	rapid.Check(t, func(t *rapid.T) {
		var dirs []Dir
		with, foreign := 0, false
		for i := range rapid.IntRange(1, 4).Draw(t, "directories") {
			d := Dir{Path: fmt.Sprintf("/data-%d", i), Metadata: rapid.IntRange(0, 3).Draw(t, "metadata") == 0}
			if rapid.Bool().Draw(t, "formatted") || d.Metadata {
				d.Meta = &Meta{ClusterID: ours, NodeID: strconv.Itoa(id)}
			}
			if d.Meta != nil && rapid.IntRange(0, 20).Draw(t, "foreign") == 0 {
				*d.Meta, foreign = rapid.SampledFrom([]Meta{{ours, "4"}, {"BBBBBBBBBBBBBBBBBBBBBB", "3"}}).Draw(t, "whose"), true
			}
			if d.Metadata {
				with++
			}
			dirs = append(dirs, d)
		}
		metadataDir := rapid.SampledFrom(dirs).Draw(t, "metadata.log.dir").Path
		plan, err := PlanStorage(dirs, metadataDir, ours, id)
		inPlace := slices.ContainsFunc(dirs, func(d Dir) bool { return d.Metadata && d.Path == metadataDir })
		if refuse := foreign || with > 1 && !inPlace; refuse != (err != nil) {
			t.Fatalf("%v of %+v: %v", plan, dirs, err)
		}
		if err != nil {
			if !strings.Contains(err.Error(), "/data-") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q", err)
			}
			return
		}
		for _, interrupted := range []bool{true, false} {
			after := carryOut(plan, dirs, metadataDir, ours, id, interrupted)
			if kept := slices.ContainsFunc(after, func(d Dir) bool { return d.Metadata && d.Path == metadataDir }); kept != (with > 0) {
				t.Fatalf("%+v of %+v: metadata in %s are there=%t", plan, dirs, metadataDir, kept)
			}
			again, err := PlanStorage(after, metadataDir, ours, id)
			if err != nil || again.MoveFrom != "" || !interrupted && (again.Format || len(again.Stale) > 0) {
				t.Fatalf("%+v of %+v, then %+v: %v", plan, dirs, again, err)
			}
		}
	})
}

// readJAAS reads a quoted string as java.io.StreamTokenizer does: a backslash stands before a quote, a backslash, or up to three
// octal digits.
func readJAAS(text string) (string, error) {
	body, begun := strings.CutPrefix(text, `"`)
	body, ended := strings.CutSuffix(body, `"`)
	if !begun || !ended {
		return "", fmt.Errorf("%q has no quotes", text)
	}
	var out strings.Builder
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '"' || body[i] == '\n' || body[i] == '\r':
			return "", fmt.Errorf("%q ends at %d", text, i)
		case body[i] != '\\':
			out.WriteByte(body[i])
			continue
		}
		i++
		if i == len(body) {
			return "", fmt.Errorf("%q ends in a backslash", text)
		}
		if body[i] < '0' || body[i] > '7' {
			if strings.IndexByte("abfnrtv", body[i]) >= 0 {
				return "", fmt.Errorf("%q has an escape of its own", text)
			}
			out.WriteByte(body[i])
			continue
		}
		octal := body[i:min(i+3, len(body))]
		octal = octal[:len(octal)-len(strings.TrimLeft(octal, "01234567"))]
		n, err := strconv.ParseUint(octal, 8, 8)
		if err != nil {
			return "", err
		}
		out.WriteByte(byte(n))
		i += len(octal) - 1
	}
	return out.String(), nil
}

// FuzzJAAS: a password of any characters comes out of the login module's configuration as it went in, and nothing of it is taken
// for an option.
func FuzzJAAS(f *testing.F) {
	for _, text := range []string{"lamp-7", `a"b`, `a\b`, "a\nb", "\x017", "tab\tend", "ä", `"; evil=1 x="`, `\`, "\r\n", "\\101", "7\x008"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ToValidUTF8(text, "") != text {
			t.Skip("files of passwords are texts")
		}
		got, err := readJAAS(quoteJAAS(text))
		if err != nil || got != text {
			t.Errorf("%q became %q: %v", text, got, err)
		}
	})
}

// TestAdvertisedAlways: whatever addresses the operator has written for all nodes, a node advertises its own ones in the order of its
// listeners, each such that it is read back as it was.
func TestAdvertisedAlways(t *testing.T) {
	hosts := []string{"k.example.com", "192.0.2.1", "2001:db8::1", "::1", "${node.address}", "[2001:db8::2]", "one-1"}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom([]int{0, 1, 11, 111}).Draw(t, "id")
		texts := podTexts()
		texts[NodeFile] = "node.id=" + strconv.Itoa(id) + "\nprocess.roles=broker\nlog.dirs=/d\n"
		var listeners, protocols, want []string
		var hostLines, portLines strings.Builder
		for i := range rapid.IntRange(1, 4).Draw(t, "listeners") {
			name := fmt.Sprintf("L%d-%d", i, 9091+i)
			if i == 0 {
				name = "REPLICATION-9091"
			}
			listeners = append(listeners, fmt.Sprintf("%s://0.0.0.0:%d", name, 9091+i))
			protocols = append(protocols, name+":SSL")
			for _, node := range []int{0, 1, 11, 111} {
				host, port := rapid.SampledFrom(hosts).Draw(t, "host"), rapid.IntRange(1, 65535).Draw(t, "port")
				fmt.Fprintf(&hostLines, "%s_%d=%s\n", name, node, host)
				said := rapid.Bool().Draw(t, "port is said")
				if said {
					fmt.Fprintf(&portLines, "%s_%d=%d\n", name, node, port)
				} else {
					port = 9091 + i
				}
				if node == id {
					want = append(want, fmt.Sprint(name, " ", strings.Trim(host, "[]"), " ", port))
				}
			}
		}
		texts[SharedFile] = "controller.listener.names=CONTROLPLANE-9090\ninter.broker.listener.name=REPLICATION-9091\n"
		texts[ListenersFile] = "listeners=" + strings.Join(listeners, ",") + "\nlistener.security.protocol.map=" + strings.Join(protocols, ",") + "\n"
		texts[AdvertisedHostsFile], texts[AdvertisedPortsFile] = hostLines.String(), portLines.String()
		draft, err := Merge(texts, id)
		if err != nil {
			t.Fatal(err)
		}
		settings, err := draft.Resolve(Facts{Pod: "p", Address: "2001:db8::9"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for entry := range strings.SplitSeq(settings["advertised.listeners"], ",") {
			name, address, _ := strings.Cut(entry, "://")
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				t.Fatalf("%s: %v", entry, err)
			}
			if host == "2001:db8::9" {
				host = "${node.address}"
			}
			got = append(got, name+" "+host+" "+port)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v instead of %v", got, want)
		}
	})
}
