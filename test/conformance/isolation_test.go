package conformance

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// isolation is about records of transactions (isolation.level).
func isolation() []sequence {
	read := func(level, want string, n int) sequence {
		return with("1.6/poll/"+level, "", func(e *env) {
			topic := e.topic("$TOPIC")
			e.transaction(topic, "aborted", kgo.TryAbort)
			e.transaction(topic, "committed", kgo.TryCommit)
			e.create("text", `"isolation.level":"`+level+`"`)
			e.assign(topic, 1)
			if got := values(e.poll("text", n)); got != want {
				e.Errorf("got %s, want %s", got, want)
			}
			if got := e.pollOnce("text", 300*time.Millisecond); len(got) > 0 {
				e.Errorf("and then %s", values(got))
			}
		}, "poll", "createConsumer")
	}
	return []sequence{
		read("read_committed", `"committed"`, 1),
		read("read_uncommitted", `"aborted" "committed"`, 2),
	}
}

// transaction writes one record natively in a transaction that ends as told.
func (e *env) transaction(topic, value string, end kgo.TransactionEndTry) {
	e.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(e.s.bootstrap), kgo.TransactionalID("tx"+e.s.unique()), kgo.DefaultProduceTopic(topic))
	if err != nil {
		e.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		e.Fatal(err)
	}
	if err := client.ProduceSync(e.ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
		e.Fatal(err)
	}
	if err := client.EndTransaction(e.ctx, end); err != nil {
		e.Fatal(err)
	}
}
