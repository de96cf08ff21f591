// Package kafkaadmin reads topics, users, brokers and the quorum of a Kafka cluster, and carries out what packages topic
// and user decided, many at a time: each kind of change is one request for a hundred topics or users, a few of them at
// once. It decides nothing but how long to wait. A failure of one topic or user is that one's; the others go on.
//
// Every call ends, with [Limits.Timeout] for each request if its context does not end before. What is read is what one broker
// knows: that may be a moment behind what was just written. The results of [Admin.ApplyTopics] say what Kafka made of a
// creation, so that nothing has to be read again; [Error.Stale] tells a change that came too late for what was there.
package kafkaadmin
