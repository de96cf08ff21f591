package chaos

import "golang.org/x/sys/unix"

// limitFiles makes every write of a process that would make a file longer than a byte fail (EFBIG).
func limitFiles(pid int) error {
	limit := unix.Rlimit{Cur: 1, Max: 1}
	return unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil)
}
