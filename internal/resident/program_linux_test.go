package resident

import (
	"slices"
	"strings"
	"testing"
)

// entry is one mapping as proc_pid_smaps(5) has it, with the lines that count and some that don't.
func entry(first string, lines ...string) string {
	return first + "\nSize:                 64 kB\nRss:                  48 kB\n" + strings.Join(lines, "\n") + "\nVmFlags: rd mr mw me sd\n"
}

func TestUnchangedMappings(t *testing.T) {
	const clean, private = "Anonymous:             0 kB", "Anonymous:            12 kB"
	text := "00400000-00500000 r-xp 00000000 fd:00 77      /bin/steg bridge"
	for _, c := range []struct {
		name, smaps string
		want        []mapping
	}{
		{"nothing", "", nil},
		{"the program's code", entry(text, clean, "Swap:                  0 kB"), []mapping{{0x400000, 0x100000}}},
		{"without a word on swap", entry(text, clean), []mapping{{0x400000, 0x100000}}},
		{"its constants too", entry(text, clean) + entry("00500000-00502000 r--p 00100000 fd:00 77 /bin/steg", clean), []mapping{{0x400000, 0x100000}, {0x500000, 0x2000}}},
		{"a page that was written", entry(text, private), nil},
		{"one that is swapped out", entry(text, clean, "Swap:                  4 kB"), nil},
		{"one that is swapped out, after another mapping", entry(text, clean) + entry("00500000-00502000 r--p 00100000 fd:00 77 /bin/steg", clean, "Swap: 4 kB"), []mapping{{0x400000, 0x100000}}},
		{"nothing said of its pages", entry(text), nil},
		{"variables", entry("00500000-00502000 rw-p 00100000 fd:00 77 /bin/steg", clean), nil},
		{"shared", entry("00500000-00502000 r--s 00100000 fd:00 77 /bin/steg", clean), nil},
		{"of no file", entry("7fff0000-7fff2000 r-xp 00000000 00:00 0 [vdso]", clean), nil},
		{"not to be read", entry("00500000-00502000 ---p 00100000 fd:00 77 /bin/steg", clean), nil},
		{"the mapping after it does not count for it", entry(text) + entry("7fff0000-7fff2000 r-xp 00000000 00:00 0 [vdso]", clean), nil},
		{"swap of another", entry(text, clean) + entry("c000000000-c000400000 rw-p 00000000 00:00 0 ", private, "Swap: 8 kB"), []mapping{{0x400000, 0x100000}}},
		{"no range", entry("00400000 r-xp 00000000 fd:00 77 /bin/steg", clean), nil},
		{"a range that ends before it starts", entry("00500000-00400000 r-xp 00000000 fd:00 77 /bin/steg", clean), nil},
		{"nonsense", "Anonymous: 0 kB\n-\n a b c d e\n:::\n", nil},
	} {
		if got := unchangedMappings(c.smaps); !slices.Equal(got, c.want) {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
}
