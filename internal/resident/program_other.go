//go:build !linux

package resident

// releaseProgram does nothing: only Linux says which pages are the file's own.
func releaseProgram() {}
