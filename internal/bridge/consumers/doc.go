// Package consumers holds the only state of the bridge: consumer instances, named by group and name, that live from
// their creation until they are deleted, replaced or evicted. It knows nothing of HTTP; it must not decode bodies or
// word answers. Its errors are sentinels, NotAssignedError, or a *kafka.Error with the text of the Java client.
//
// # Who does what
//
// An Instance outlives the Kafka client it uses. The client belongs to a session: built at subscribe or assign, thrown
// away when the mode changes, at unsubscribe, and when nobody polled for max.poll.interval.ms, since a franz-go client
// that left its group does not join again and one that is in a group takes no partitions by hand.
//
// The client of a session does two things: it keeps the membership of the group (joining, heartbeats, rebalancing), in
// the background and from the moment of the subscription on, and it carries requests. It fetches nothing: every
// partition is taken out of its hands as soon as it is assigned. Positions, committed offsets, resets and fetches are
// the session's own. So a seek works at any time, a position moves only when a record was delivered, nothing is read
// ahead while nobody polls, and a record of a partition that was taken away can't be delivered: records hang on the
// partition's state, which is gone by then.
//
// A poll starts what its partitions need, each in a goroutine of its own, at most one of a kind: metadata, committed
// offsets, and per broker a listing of offsets and a fetch. It then waits for records, a failure, or its time. What is
// still under way when a poll ends goes on, for at most the bound of its request, and serves the next poll.
//
// # Life of an instance
//
//	created ── Subscribe ──► subscribed ── Unsubscribe ──► created
//	created ── Assign ─────► assigned ──── Unsubscribe ──► created
//	any ── Delete, replacement, eviction, Registry.Close ──► closed
//
// # Locks
//
// In this order, and a later one is never held while an earlier one is taken:
//
//  1. Instance.turn, a channel of capacity one: held by the operation in progress, from Poll until Batch.Accept. It is
//     the only lock held across requests; waiting for it ends with the caller's context.
//  2. Registry.mu, the map of the instances. Nobody waits while holding it.
//  3. Instance.mu, what others may look at while an operation is in progress.
//  4. session.mu, partitions, positions and kept records. Callbacks of the Kafka client take only this one.
//  5. budget.mu.
package consumers
