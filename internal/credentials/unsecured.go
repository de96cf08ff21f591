package credentials

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const unsecuredPrefix = "unsecuredLogin"

// unsecuredLogin makes tokens without a signature from the login module's options, as Kafka's default handler for
// OAUTHBEARER does: for development, since a broker that takes them believes everybody.
func unsecuredLogin(options map[string]string, o Options) (login, error) {
	extensions := withPrefix(options, unsecuredPrefix+"Extension_")
	if err := checkExtensions(unsecuredPrefix+"Extension_", extensions); err != nil {
		return login{}, err
	}
	fixed, err := unsecuredClaims(options)
	if err != nil {
		return login{}, err
	}
	principal := strings.TrimSpace(either(strings.TrimSpace(options[unsecuredPrefix+"PrincipalClaimName"]), "sub"))
	if name, _ := fixed[principal].(string); name == "" {
		return login{}, fmt.Errorf("%s: option %sStringClaim_%s is missing (the default login of OAUTHBEARER makes unsecured tokens; "+
			"for a token endpoint set sasl.login.callback.handler.class)", jaasKey, unsecuredPrefix, principal)
	}
	lifetime, err := strconv.ParseInt(either(options[unsecuredPrefix+"LifetimeSeconds"], "3600"), 10, 32)
	if err != nil {
		return login{}, fmt.Errorf("%s: option %sLifetimeSeconds is not a number of seconds", jaasKey, unsecuredPrefix)
	}
	fetch := func(context.Context) (token, error) {
		return unsecuredToken(fixed, o.Now(), time.Duration(lifetime)*time.Second)
	}
	// A token per session costs nothing.
	return login{fetch: fetch, extensions: extensions}, nil
}

// unsecuredClaims collects the claims that options give: texts, numbers, and lists whose first character is their
// separator.
func unsecuredClaims(options map[string]string) (map[string]any, error) {
	out := map[string]any{}
	for name, value := range withPrefix(options, unsecuredPrefix+"StringClaim_") {
		out[name] = value
	}
	for name, value := range withPrefix(options, unsecuredPrefix+"NumberClaim_") {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: option %sNumberClaim_%s is not a number", jaasKey, unsecuredPrefix, name)
		}
		out[name] = n
	}
	for name, value := range withPrefix(options, unsecuredPrefix+"ListClaim_") {
		list := []string{}
		if len(value) > 1 {
			list = strings.Split(value[1:], value[:1])
		}
		out[name] = list
	}
	for _, reserved := range []string{"iat", "exp"} {
		if _, ok := out[reserved]; ok {
			return nil, fmt.Errorf("%s: claim %s can't be set", jaasKey, reserved)
		}
	}
	return out, nil
}

// unsecuredToken is an unsecured JWS (RFC 7515 appendix A.5): no signature, but the dot before it.
func unsecuredToken(fixed map[string]any, now time.Time, lifetime time.Duration) (token, error) {
	expires := now.Add(lifetime)
	payload := map[string]any{"iat": seconds(now), "exp": seconds(expires)}
	for name, value := range fixed {
		payload[name] = value
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return token{}, fmt.Errorf("%s: the claims can't be written: %w", jaasKey, err)
	}
	value := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
	return token{value: value, issued: now, expires: expires}, nil
}

// seconds is a moment as a JWT has it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
