// Package resident keeps a process small that has nothing to do: it gives memory back to the system that the runtime would keep for
// minutes. When to do so is its callers' to say.
package resident

import "runtime/debug"

// Release collects garbage, gives back the memory that was freed, and has the system take the unchanged pages of the program's own file
// out of the process (Linux only; they stay in the page cache, and the next use maps them again). It costs some milliseconds of a
// processor, and some hundred page faults when work begins.
func Release() {
	debug.FreeOSMemory()
	releaseProgram()
}
