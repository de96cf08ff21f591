// Package memory holds the bridge to its promise under pressure: with a memory limit and far more work than fits, it
// stays within its share, refuses what it cannot do, and gets as much done as without the surplus. docs/memory.md adds up
// what may be held. The broker runs in the test's process, so that its memory does not count.
package memory
