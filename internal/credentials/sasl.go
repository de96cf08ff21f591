package credentials

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/steg-kafka/steg/internal/kafka"
)

// jaasKey is the setting that errors of login options name.
const jaasKey = "sasl.jaas.config"

// openSASL chooses the mechanism.
func (m *means) openSASL(ctx context.Context, s kafka.SASL, o Options) error {
	var err error
	switch s.Mechanism {
	case "PLAIN":
		m.mechanism, err = plainMechanism(s.JAAS.Options)
	case "SCRAM-SHA-256":
		m.mechanism, err = scramMechanism(s.JAAS.Options, scram.Sha256)
	case "SCRAM-SHA-512":
		m.mechanism, err = scramMechanism(s.JAAS.Options, scram.Sha512)
	case "OAUTHBEARER":
		err = m.openOAuth(ctx, s, o)
	default:
		err = fmt.Errorf("sasl.mechanism: %q is not supported; PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER are", s.Mechanism)
	}
	return err
}

// userPassword reads the options of Kafka's plain and SCRAM login modules.
func userPassword(options map[string]string) (user, password string, err error) {
	user, password = options["username"], options["password"]
	if user == "" {
		return "", "", fmt.Errorf("%s: option username is missing", jaasKey)
	}
	if password == "" {
		return "", "", fmt.Errorf("%s: option password is missing", jaasKey)
	}
	return user, password, nil
}

// plainMechanism is SASL PLAIN (RFC 4616) with the options of PlainLoginModule.
func plainMechanism(options map[string]string) (sasl.Mechanism, error) {
	user, password, err := userPassword(options)
	if err != nil {
		return nil, err
	}
	return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
}

// scramMechanism is SASL SCRAM (RFC 5802) with the options of ScramLoginModule; make chooses the hash.
func scramMechanism(options map[string]string, make func(func(context.Context) (scram.Auth, error)) sasl.Mechanism) (sasl.Mechanism, error) {
	user, password, err := userPassword(options)
	if err != nil {
		return nil, err
	}
	return make(func(context.Context) (scram.Auth, error) {
		return scram.Auth{
			User: user,
			Pass: password,
			// A delegation token's HMAC in the password's place, KIP-48.
			IsToken: strings.EqualFold(options["tokenauth"], "true"),
		}, nil
	}), nil
}

// bearer is what an OAUTHBEARER session sends.
type bearer struct {
	// token returns the token for one session.
	token      func(context.Context) (string, error)
	extensions map[string]string
}

// mechanism is OAUTHBEARER (RFC 7628). The token is asked for per session, so that a re-authentication (KIP-368) sends
// a fresh one.
func (b bearer) mechanism() sasl.Mechanism {
	return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		value, err := b.token(ctx)
		if err != nil {
			return oauth.Auth{}, err
		}
		return oauth.Auth{Token: value, Extensions: b.extensions}, nil
	})
}

// The login callback handlers that are known, by class name without package: Kafka has moved its own once, and the name
// is what tells them apart.
const (
	handlerStrimzi   = "JaasClientOauthLoginCallbackHandler"
	handlerKafka     = "OAuthBearerLoginCallbackHandler"
	handlerUnsecured = "OAuthBearerUnsecuredLoginCallbackHandler"
)

// openOAuth chooses where tokens come from. Without a handler class Kafka's default one makes unsecured tokens.
func (m *means) openOAuth(ctx context.Context, s kafka.SASL, o Options) error {
	handler := s.LoginCallbackHandler[strings.LastIndexByte(s.LoginCallbackHandler, '.')+1:]
	var login login
	var err error
	switch handler {
	case handlerStrimzi:
		login, err = strimziLogin(s.JAAS.Options, o)
	case handlerKafka:
		login, err = kafkaLogin(s, o)
	case handlerUnsecured, "":
		login, err = unsecuredLogin(s.JAAS.Options, o)
	default:
		err = fmt.Errorf("sasl.login.callback.handler.class: %s is a Java class that has no counterpart here; %s, %s and %s have one",
			s.LoginCallbackHandler, handlerKafka, handlerStrimzi, handlerUnsecured)
	}
	if err != nil {
		return err
	}
	if login.trust != nil {
		if err := login.trust.open(ctx, o.Poll); err != nil {
			return err
		}
		m.oauthTLS = login.trust
	}
	session := bearer{extensions: login.extensions}
	if login.cached {
		m.tokens = newTokenSource(ctx, login.fetch, s.RefreshWindow, o)
		session.token = m.tokens.get
	} else {
		session.token = func(ctx context.Context) (string, error) {
			fresh, err := login.fetch(ctx)
			return fresh.value, err
		}
	}
	m.mechanism = session.mechanism()
	return nil
}

// login is where the tokens of one configuration come from.
type login struct {
	fetch func(context.Context) (token, error)
	// cached tokens are kept for most of their life. Tokens from files and settings are not: reading them again is cheap,
	// and the file may have changed.
	cached     bool
	extensions map[string]string
	trust      *material[clientTLS] // of the token endpoint, nil: none
}

// checkExtensions applies the rules of RFC 7628 3.1 for extensions, as Kafka does. prefix is what the options are
// called by.
func checkExtensions(prefix string, extensions map[string]string) error {
	for name, value := range extensions {
		if name == "" || name == "auth" || strings.ContainsFunc(name, notLetter) {
			return fmt.Errorf("%s: option %s%s is not a possible SASL extension: letters only, and not auth", jaasKey, prefix, name)
		}
		if value == "" || strings.ContainsFunc(value, notExtensionText) {
			return fmt.Errorf("%s: the value of option %s%s is not possible in a SASL extension: printable ASCII only", jaasKey, prefix, name)
		}
	}
	return nil
}

// notLetter reports what may not be in the name of an extension.
func notLetter(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }

// notExtensionText reports what may not be in the value of one: %x01 in particular would begin the next field.
func notExtensionText(r rune) bool {
	return (r < 0x20 || r > 0x7e) && r != '\t' && r != '\r' && r != '\n'
}

// withPrefix returns the options that begin with prefix, without it.
func withPrefix(options map[string]string, prefix string) map[string]string {
	out := map[string]string{}
	for name, value := range options {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			out[rest] = value
		}
	}
	return out
}
