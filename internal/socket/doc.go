// Package socket has TCP connections whose reads and writes do not leave the Go scheduler.
//
// A system call that package net makes gives the processor away if it takes longer than 20 µs, and a write to a socket does
// where it wakes another process: then a second thread is woken to run what there is, which is nothing, the first one has to
// wait for a processor when its call is over, and the runtime's monitor stays awake to look at it all. With one request at a
// time that took as long as the request itself. The sockets are non-blocking, so that a call never waits: it may hold its
// processor, as any other code does. A garbage collection waits for it, for at most what it takes to copy Small bytes.
//
// It must not interpret what it carries. On other systems than Linux it is package net alone.
package socket

// Small is how many bytes are read or written at most while a processor is held, for 10 to 30 µs. A larger read gets as many at
// a time, a larger write goes by package net.
const Small = 64 << 10
