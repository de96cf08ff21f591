package consumers

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

func TestUntrustedBrokerReachesThePoll(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.TLS(), kafkatest.Topic("t", 1))
	r := newRig(t, c, settings(func(s *Settings) {
		s.Transport = func() []kgo.Opt { return []kgo.Opt{kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12})} }
	}))
	for name, i := range map[string]*Instance{
		"subscribed": r.subscriber("g", "s", []string{"t"}),
		"assigned":   r.assignee("g", "a", tps("t", 0)),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := i.Poll(r.ctx(), 10*time.Second)
			r.fails(err, "org.apache.kafka.common.errors.SslAuthenticationException", "")
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}
