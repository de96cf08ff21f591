package kafkarig

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// Broker i of a rig has the ports base+10i+offset, the offset being a
// Listener's or this one. They lie below the range that the kernel takes for
// outgoing connections, so that a broker that is away finds its own again.
const (
	controllerOffset = 9
	portsPerBroker   = 10
	lowestPort       = 10000
	highestPort      = 19990
)

// reservePorts returns the base of free ports. The reservation ends with
// release, or the process: other rigs respect it even while brokers are away.
func reservePorts(brokers int) (base int, release func(), err error) {
	dir := filepath.Join(os.TempDir(), "steg-kafkarig-ports")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return 0, nil, fmt.Errorf("kafkarig: %w", err)
	}
	const block = 3 * portsPerBroker // so that no two reservations overlap
	for range 200 {
		base = lowestPort + rand.IntN((highestPort-lowestPort)/block)*block
		f, err := os.OpenFile(filepath.Join(dir, fmt.Sprint(base)), os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			return 0, nil, fmt.Errorf("kafkarig: %w", err)
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && allFree(base, brokers) {
			return base, func() { _ = f.Close() }, nil
		}
		_ = f.Close()
	}
	return 0, nil, fmt.Errorf("kafkarig: no free ports from %d to %d", lowestPort, highestPort)
}

func allFree(base, brokers int) bool {
	var lc net.ListenConfig
	for i := range brokers {
		for _, offset := range []int{int(Plain), int(TLS), int(MTLS), int(SCRAM), int(SCRAMTLS), controllerOffset} {
			ln, err := lc.Listen(context.Background(), "tcp", address(base, i, offset))
			if err != nil {
				return false
			}
			_ = ln.Close()
		}
	}
	return true
}

func address(base, broker, offset int) string {
	return fmt.Sprintf("127.0.0.1:%d", base+portsPerBroker*broker+offset)
}
