package cluster

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// javaOption is a name of -XX. steg-node ends at anything else, so that a node would not come back.
var javaOption = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)

// isJavaValue reports whether steg-node takes a value of -XX, which comes to it as it stands in JSON.
func isJavaValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"\{[<>&`, r) })
}

// javaOptions are the pool's own or the Kafka's.
func (b *builder) javaOptions(p *pool) *v1.JvmOptions {
	if p.jvm == nil {
		return nil
	}
	field := p.jvmField
	least, most := b.heap(field+".-Xms", p.jvm.Xms), b.heap(field+".-Xmx", p.jvm.Xmx)
	if most > 0 && least > most {
		b.Invalid(field+".-Xms", "%s is more than -Xmx, which is %s", p.jvm.Xms, p.jvm.Xmx)
	}
	for _, e := range b.FreeForm(field+".-XX", p.jvm.XX) {
		isList := strings.HasPrefix(string(p.jvm.XX[e.Key].Raw), "[")
		if isList || !javaOption.MatchString(e.Key) || !isJavaValue(e.Value) {
			b.Invalid(field+".-XX", "%q is not a name and a value of an option, such as MaxGCPauseMillis: 20", e.Key+": "+e.Value)
		}
	}
	for _, property := range p.jvm.JavaSystemProperties {
		if property.Name == "" || strings.ContainsFunc(property.Name, unicode.IsSpace) || strings.Contains(property.Name, "=") {
			b.Invalid(field+".javaSystemProperties", "%q is not a name of a property", property.Name)
		}
	}
	out := *p.jvm
	return &out
}

// heap is the size of a heap in bytes, 0 if none is said.
func (b *builder) heap(field, text string) int64 {
	size, ok := parseHeap(text)
	if text != "" && !ok {
		b.Invalid(field, "%q is not a size such as 512m or 2g", text)
	}
	return size
}

// parseHeap reads the size of a heap as Java's -Xmx does, in bytes: digits with k, m, g or nothing behind them.
func parseHeap(text string) (size int64, ok bool) {
	digits := strings.TrimRight(text, "kKmMgG")
	unit, known := map[string]int64{"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[strings.ToLower(text[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || !known || n == 0 || n > uint64((1<<50)/unit) {
		return 0, false
	}
	return int64(n) * unit, true
}

const (
	// cleanerKey is 128 MiB of the heap in Kafka, whatever the heap's size: a broker with 256 MiB dies of it.
	cleanerKey = "log.cleaner.dedupe.buffer.size"
	// smallHeapLimit is the heap below which the buffer is made smaller: an eighth of this is Kafka's default.
	smallHeapLimit = 1 << 30
	// leastBuffer keeps the cleaner working at all.
	leastBuffer = 1 << 20
)

// smallHeap bounds the cleaner's buffer on nodes with a small heap, unless the user has set it. The heap is what steg-node will
// make it: half of the memory's limit. Without a limit and -Xmx Java takes a quarter of the machine.
func (b *builder) smallHeap(p *Pool) {
	if _, own := b.spec.Config[cleanerKey]; own {
		return
	}
	heap := int64(0)
	if p.JVM != nil && p.JVM.Xmx != "" {
		heap, _ = parseHeap(p.JVM.Xmx)
	} else if limit := p.Resources.Limits.Memory(); limit != nil {
		heap = limit.Value() / 2
	}
	if heap <= 0 || heap >= smallHeapLimit {
		return
	}
	for i := range p.Nodes {
		if !p.Nodes[i].Broker {
			continue
		}
		p.Nodes[i].Config[cleanerKey] = strconv.FormatInt(max(heap/8, leastBuffer), 10)
	}
}

// javaProperties gives all Java virtual machines what listeners need, unless the user has said otherwise.
func (b *builder) javaProperties() {
	for i := range b.out.Pools {
		p := &b.out.Pools[i]
		for _, property := range b.jvm {
			if p.JVM == nil {
				p.JVM = &v1.JvmOptions{}
			}
			if !slices.ContainsFunc(p.JVM.JavaSystemProperties, func(own v1.SystemProperty) bool { return own.Name == property.Name }) {
				p.JVM.JavaSystemProperties = append(slices.Clone(p.JVM.JavaSystemProperties), property)
			}
		}
	}
}
