package credentials

import (
	"context"

	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/steg-kafka/steg/internal/kafka"
)

// means is what connections are secured with by one state of the settings.
type means struct {
	tls       *material[clientTLS] // nil: no encryption
	mechanism sasl.Mechanism       // nil: no authentication
	tokens    *tokenSource         // nil: no token endpoint
	oauthTLS  *material[clientTLS] // of the token endpoint; nil: none, or without encryption
}

// openMeans reads the files that the settings name. A token source lives until ctx ends or the means are closed.
func openMeans(ctx context.Context, s kafka.Security, o Options) (*means, error) {
	m := &means{}
	if s.UsesTLS() {
		plan, err := planClient(s.TLS, kafkaKeys())
		if err != nil {
			return nil, err
		}
		m.tls = plan.material("kafka tls", o)
		if err := m.tls.open(ctx, o.Poll); err != nil {
			return nil, err
		}
	}
	if s.UsesSASL() {
		if err := m.openSASL(ctx, s.SASL, o); err != nil {
			m.close()
			return nil, err
		}
	}
	return m, nil
}

// retire ends what watches files, when other means have come. A session that has begun still gets its token; the token
// source does nothing of its own accord.
func (m *means) retire() {
	if m.tls != nil {
		m.tls.close()
	}
	if m.oauthTLS != nil {
		m.oauthTLS.close()
	}
}

// close also ends the asking for tokens.
func (m *means) close() {
	m.retire()
	if m.tokens != nil {
		m.tokens.close()
	}
}
