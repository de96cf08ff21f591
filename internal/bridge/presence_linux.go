package bridge

import (
	"net"

	"golang.org/x/sys/unix"
)

// tcpCloseWait is the state of a connection whose peer has sent FIN and no reset (RFC 9293, 3.3.2; linux/tcp_states.h).
const tcpCloseWait = 8

// closeWait reports whether the peer has closed its sending side only.
func closeWait(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	state := uint8(0)
	err = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			state = info.State
		}
	})
	return err == nil && state == tcpCloseWait
}
