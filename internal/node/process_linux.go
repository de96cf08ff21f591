package node

import "syscall"

// childAttributes give a child a process group of its own, and have the kernel kill it with the thread that starts it:
// a Kafka that nobody watches any more would keep its ports and its volumes.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
