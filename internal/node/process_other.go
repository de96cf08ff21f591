//go:build !linux

package node

import "syscall"

// childAttributes give a child a process group of its own. Images of Kafka are Linux: elsewhere this is for tests only.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
