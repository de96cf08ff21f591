package main

import (
	"crypto/rand"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"
)

// lease returns the Lease by which one of several operators leads, nil without leader election. It differs from the manager's own in
// how it names its holder, see leaderName. What it makes lives as long as the process.
func lease(config *rest.Config, scheme *runtime.Scheme, o options, environ []string) (resourcelock.Interface, error) {
	if !o.leaderElection {
		return nil, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("leader election: %w", err)
	}
	name := leaderName(host, o.kubeconfig, environ)
	config = rest.AddUserAgent(config, "leader-election")
	config.Timeout = renewDeadline / 2 // one request that hangs must not end a leader
	leases, err := coordinationclient.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("leader election: %w", err)
	}
	core, err := coreclient.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("leader election: %w", err)
	}
	events := record.NewBroadcaster()
	events.StartRecordingToSink(&coreclient.EventSinkImpl{Interface: core.Events(o.namespace)})
	return &resourcelock.LeaseLock{
		LeaseMeta: metav1.ObjectMeta{Name: o.leaderElectionName, Namespace: o.namespace},
		Client:    leases,
		LockConfig: resourcelock.ResourceLockConfig{
			Identity: name, EventRecorder: events.NewRecorder(scheme, corev1.EventSource{Component: name}),
		},
	}, nil
}

// leaderName is who a process is for the others. In a pod it is the pod's name: there is one process of a pod at a time, and one
// that was started again, as after minutes without an API server, has its lease back at once. With a name of its own it would have
// to wait until the lease has ended that it itself could not give back. Elsewhere several may run on one host.
func leaderName(host, kubeconfig string, environ []string) string {
	_, configured := lookup(environ, clientcmd.RecommendedConfigPathEnvVar)
	if _, pod := lookup(environ, "KUBERNETES_SERVICE_HOST"); pod && kubeconfig == "" && !configured {
		return host
	}
	return host + "_" + rand.Text()
}
