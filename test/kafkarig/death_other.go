//go:build !linux

package kafkarig

import (
	"os/exec"
	"syscall"
)

// dieWithParent can do less here: a test binary that is killed leaves brokers.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
