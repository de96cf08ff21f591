// Package roll decides what to do next to bring the pods of a KRaft cluster from what they are to what is wanted, without
// taking a partition below its min.insync.replicas or the controllers below a majority. [Next] is a pure function from the
// wanted and the seen to one [Step]; the caller does the step, looks again, and asks again. Nothing is remembered between two
// calls: an operator that is killed anywhere goes on where it was, because all that matters can be seen.
//
// # Where the phases live
//
//	strimzi.io/revision                    pod    what the pod was made from, without resources
//	strimzi.io/resource-revision           pod    its resources
//	strimzi.io/configuration-hash          pod    options that need a restart (read-only and unknown ones)
//	steg.dev/dynamic-configuration-hash    pod    options that Kafka changes at run time, as they were at the pod's start
//	strimzi.io/server-cert-hash            pod    certificates that Kafka can't reload
//	strimzi.io/cluster-ca-key-generation   pod    the newest key of the cluster CA that the pod trusts
//	strimzi.io/cluster-ca-cert-generation  pod    the certificate of the cluster CA that its own certificate is from
//	strimzi.io/clients-ca-cert-generation  pod    the certificate of the clients CA that it trusts
//	steg.dev/trusted-ca-hash               pod    all authorities that it trusts
//	strimzi.io/manual-rolling-update       pod    asked for by hand, ends with the pod
//	strimzi.io/manual-rolling-update       set    asked for by hand, copied to its pods (Mark), then taken away (Unmark)
//	strimzi.io/delete-pod-and-pvc          pod    asked for by hand: first the claims are deleted, then the pod
//	deletion timestamp of a claim          claim  the first half of that is done
//	FileSystemResizePending                claim  a restart is needed if it is younger than the pod
//
// A pod is made anew by the controller of the pod sets, from the newest template; this package only says which one is to go.
// So each [Reason] must end with the pod that it was found on: what a restart can't change is no reason for one, or pods would
// be restarted forever. (PodUnresponsive can come back, after its whole bound.)
//
// # The rules, first match first
//
//  1. A wish on a pod set is copied to its pods, so that it isn't lost and each pod is restarted once.
//  2. A stuck pod, one whose Kafka doesn't run, that was made from something older is replaced at once, and all of them
//     together: they serve nothing, and a cluster that is stuck on a bad revision gets out of it.
//  3. An option that Kafka changes at run time is changed before anything is restarted: it may be what helps a broker to
//     catch up. If the broker refuses it, the pod is restarted, once.
//  4. Pods are restarted: unready ones first, then those that lack the new CA's trust, then controllers, then brokers. Among
//     controllers the active one is last; brokers go by rack and id. One that has to wait doesn't hold up the others of its
//     group, but the next group waits for all of the group.
//  5. What is not ready is waited for.
//
// A ready pod is restarted only if all other wanted pods are ready. The exception is one pod that never started (it can't be
// scheduled, or its image can't be pulled): that speaks against the template only, and doesn't hold up restarts for other
// reasons, lest certificates expire because a node is gone. An unready pod gets [Want.StartTimeout] to become ready, and all
// the time it needs for log recovery; then it is restarted, however many others are unready, if that makes nothing worse.
//
// Kafka is asked before each restart. Of N voters a majority must stay caught up (of two the other one, and a single one is
// restarted with a warning). Each partition with more replicas than its min ISR must keep that many replicas that are in
// sync on a ready pod; those with fewer can't ever be restarted safely and hold up nothing. There is no number of attempts: a
// broker that catches up is waited for as long as it takes. If Kafka can't be asked for [Want.AdminTimeout], pods that have to
// be restarted are, one by one, by what Kubernetes knows of them.
//
// What is lost for good is guarded apart: a pod whose claims go with it stays while it has the last replica in sync of any
// partition that has others, while it is the only controller, and while Kafka can't be asked, however long that takes.
//
// With [Want.Batch] above one, several brokers without the controller role go at once if all checks hold for all of them
// together and, where racks are known, they are in one rack.
//
// # Replacing the key of the cluster CA
//
// [TrustPhase] says from the pods' generations which of the three rolls of it is due; the caller renders what that phase
// wants, and the rest are ordinary reasons. An interrupted replacement goes on in the phase that the pods show.
//
// A change of Kafka's version has no rule here: it is a new revision, and pods of two versions are told apart by nothing else.
// Pods that aren't wanted are ignored, and a pod that doesn't exist yet is waited for, never rolled.
package roll
