//go:build !linux

package chaos

import "errors"

// limitFiles needs prlimit(2), which is Linux's.
func limitFiles(int) error { return errors.ErrUnsupported }
