package devbroker

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// brokerLog passes kfake's warnings and errors on. kfake reports what it could
// not save at its end only there, so during Close the errors are also kept.
type brokerLog struct {
	to *slog.Logger

	mu      sync.Mutex
	keeping bool
	errs    []error
}

// Logf is called by kfake from several goroutines.
func (l *brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		text := fmt.Sprintf(format, args...)
		l.to.Error("embedded broker: " + text)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.keeping {
			l.errs = append(l.errs, errors.New("embedded broker: "+text))
		}
	case kfake.LogLevelWarn:
		l.to.Warn("embedded broker: " + fmt.Sprintf(format, args...))
	default: // requests and rebalances, of no use to a user of the bridge
	}
}

func (l *brokerLog) collect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keeping = true
}

func (l *brokerLog) collected() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.errs...)
}
