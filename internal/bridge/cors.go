package bridge

import (
	"fmt"
	"net/http"

	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/origins"
)

// cors is the rule for browsers (bridge contract 1.9): it comes before routing and validation, on the API listener only.
type cors struct {
	origins origins.Set
	methods string
}

func newCORS(c bridgeconfig.CORS) (*cors, error) {
	if !c.Enabled {
		return nil, nil
	}
	allowed, err := origins.Parse(c.AllowedOrigins)
	if err != nil {
		return nil, fmt.Errorf("http.cors.allowedOrigins: %w", err)
	}
	return &cors{origins: allowed, methods: c.AllowedMethods}, nil
}

// handled answers what the rule alone decides: a foreign origin and a preflight. Other requests of an allowed origin
// get their header and go on.
func (k *cors) handled(c *call) bool {
	h := c.w.Header()
	h["Vary"] = []string{"origin"}
	origin := c.r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	if !k.origins.Allows(origin) {
		_ = c.reply(http.StatusForbidden, "text/plain", []byte(wire.CORSRejected)) // nothing is left to say to a client that is gone
		return true
	}
	h["Access-Control-Allow-Origin"] = []string{origin}
	if c.r.Method != http.MethodOptions || c.r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h["Access-Control-Allow-Methods"] = []string{k.methods}
	h["Access-Control-Allow-Headers"] = []string{wire.CORSAllowHeaders}
	c.empty(http.StatusNoContent)
	return true
}
