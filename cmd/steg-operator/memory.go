package main

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// settleTime is what filling the caches takes, as a rule.
	settleTime = time.Second
	// returnEvery is the time between two returns of memory: one costs some milliseconds of processor.
	returnEvery = time.Minute
)

// memory gives back to the system what the start and bursts of work took: by itself the runtime keeps it for minutes.
type memory struct{}

// Start runs until ctx ends.
func (memory) Start(ctx context.Context) error {
	for pause := settleTime; ; pause = returnEvery {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
			debug.FreeOSMemory()
		}
	}
}

// NeedLeaderElection is false: every replica has a cache.
func (memory) NeedLeaderElection() bool { return false }
