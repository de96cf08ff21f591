//go:build !linux

package main

// releaseProgram does nothing: only Linux says which pages are the file's own.
func releaseProgram() {}
