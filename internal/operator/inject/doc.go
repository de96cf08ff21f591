// Package inject puts a bridge into a pod: the sidecar's container, its volumes, and the variables by which the pod's own
// containers find it. It changes nothing else.
//
// In a native sidecar (KEP-753) the container is an init container that goes on: it starts before the application, which
// waits for its startup probe, and ends after it. It has no hook before its stop, since the kubelet would run that at once
// and not when the application has ended. In the fallback for older kubelets it is the first of the containers, whose hook
// after the start holds the others back, and a job ends it by a request.
//
// # A second time
//
// Other webhooks put containers into the same pod, so that the API server asks again (reinvocationPolicy IfNeeded). The
// sidecar that is there is taken out first, and put in where it belongs now, with ports that are free now. What belongs to
// it in the pod's own containers is recognised by its value and exchanged where it stands; what others have added to the
// sidecar stays. A pod that nobody has touched in between comes out as it went in.
//
// The package is pure. A pod that can't have a sidecar is refused with one line that names the field and what to change.
package inject
