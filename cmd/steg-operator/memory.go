package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/steg-kafka/steg/internal/resident"
)

const (
	// settleTime is what filling the caches takes, as a rule.
	settleTime = time.Second
	// returnEvery is the time between two returns of memory: one costs some milliseconds of processor.
	returnEvery = time.Minute
	// collectorPercent is how much is allocated, in percent of what lives, until the collector runs: caches are most of what lives, and
	// half of that again is plenty for the passes over them.
	collectorPercent = 50
)

// memory gives back to the system what the start and bursts of work took: by itself the runtime keeps it for minutes.
type memory struct{}

// Start runs until ctx ends.
func (memory) Start(ctx context.Context) error {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(collectorPercent)
	}
	for pause := settleTime; ; pause = returnEvery {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
			resident.Release()
		}
	}
}

// NeedLeaderElection is false: every replica has a cache.
func (memory) NeedLeaderElection() bool { return false }
