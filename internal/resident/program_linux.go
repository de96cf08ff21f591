package resident

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// releaseProgram takes the pages of the program's own file, which nothing has changed, out of this process's memory: the
// next use of one maps it again from the system's page cache, sixteen at a time. At rest a sixtieth of what the start has
// touched is in use, and what stays mapped is among the last that the system takes back when memory is short. What cannot
// be found or released stays as it is.
func releaseProgram() {
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range unchangedMappings(string(text)) {
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.start, m.length, syscall.MADV_DONTNEED)
	}
}

// mapping is a range of addresses.
type mapping struct{ start, length uintptr }

// unchangedMappings returns the private mappings of files that cannot be written and that have no page of their own,
// neither in memory nor swapped out, in the format of proc_pid_smaps(5). A relocated table or a debugger's breakpoint is
// such a page: the file does not have it, so that its mapping has to stay. So does one of which nothing is said.
func unchangedMappings(smaps string) []mapping {
	var found []mapping
	var m mapping
	candidate := false
	for line := range strings.Lines(smaps) {
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 5 && !strings.HasSuffix(fields[0], ":"):
			m, candidate = readOnlyFile(fields)
		case !candidate || len(fields) < 2:
		case fields[0] == "Anonymous:" && fields[1] == "0":
			found = append(found, m)
		case fields[0] == "Swap:" && fields[1] != "0" && len(found) > 0 && found[len(found)-1] == m:
			found = found[:len(found)-1]
		}
	}
	return found
}

// readOnlyFile reads the line that begins a mapping: its range, and whether it is private, not to be written, and a file's.
func readOnlyFile(fields []string) (mapping, bool) {
	from, to, _ := strings.Cut(fields[0], "-")
	start, err := strconv.ParseUint(from, 16, strconv.IntSize)
	if err != nil {
		return mapping{}, false
	}
	end, err := strconv.ParseUint(to, 16, strconv.IntSize)
	if err != nil || end <= start {
		return mapping{}, false
	}
	mode, inode := fields[1], fields[4]
	readOnly := len(mode) == 4 && mode[0] == 'r' && mode[1] == '-' && mode[3] == 'p'
	return mapping{uintptr(start), uintptr(end - start)}, readOnly && inode != "0"
}
