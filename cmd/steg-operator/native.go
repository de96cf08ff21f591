package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	apiversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

const (
	// nativeMinor is the minor version of an API server from which on every kubelet knows native sidecars: kubelets may be
	// three minor versions older (Kubernetes' version skew policy), and 1.29 has them switched on (KEP-753).
	nativeMinor = 32
	// versionInterval is how often a running operator asks for the version, since API servers are upgraded under it.
	versionInterval = 10 * time.Minute
)

// followVersion returns whether sidecars are to be native, at any time: as told, or by the API server's version, which is
// read now and then again while the manager runs.
func followVersion(mgr manager.Manager, mode string, log *slog.Logger) (func() bool, error) {
	if mode != "auto" {
		return func() bool { return mode == "true" }, nil
	}
	asks, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, err
	}
	var native atomic.Bool
	ask := func() error {
		v, err := asks.ServerVersion()
		if err != nil {
			return fmt.Errorf("version of the API server: %w", err)
		}
		can, err := hasNative(v)
		if err == nil && native.Swap(can) != can {
			log.Info("native sidecars", "used", can, "apiserver", v.GitVersion)
		}
		return err
	}
	if err := ask(); err != nil {
		return nil, err
	}
	return native.Load, mgr.Add(everywhere(func(ctx context.Context) error {
		tick := time.NewTicker(versionInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				if err := ask(); err != nil {
					log.Warn("native sidecars", "error", err)
				}
			}
		}
	}))
}

// hasNative tells whether an API server of this version has only kubelets that know native sidecars. Vendors write minor
// versions like "32+".
func hasNative(v *apiversion.Info) (bool, error) {
	major, err := strconv.Atoi(v.Major)
	if err != nil {
		return false, fmt.Errorf("major version of the API server %q: %w", v.Major, err)
	}
	digits := strings.TrimRightFunc(v.Minor, func(r rune) bool { return r < '0' || r > '9' })
	minor, err := strconv.Atoi(digits)
	if err != nil {
		return false, fmt.Errorf("minor version of the API server %q: %w", v.Minor, err)
	}
	return major > 1 || minor >= nativeMinor, nil
}

// everywhere is something that runs on every replica, not only on the leader.
type everywhere func(context.Context) error

func (f everywhere) Start(ctx context.Context) error { return f(ctx) }

// NeedLeaderElection tells the manager so.
func (everywhere) NeedLeaderElection() bool { return false }
