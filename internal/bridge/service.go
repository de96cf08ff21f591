package bridge

import (
	"net/http"

	"github.com/steg-kafka/steg/internal/bridge/openapi"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// info answers GET / with the version.
func (s *Server) info(c *call) error {
	return c.reply(http.StatusOK, wire.MediaPlainJSON, wire.AppendVersion(nil, s.version))
}

// openapi answers the API's document; a proxy's path prefix is named in it (contract 1.8: X-Forwarded-Path wins).
func (s *Server) openapi(c *call) error {
	base := c.r.Header.Get("X-Forwarded-Path")
	if base == "" {
		base = c.r.Header.Get("X-Forwarded-Prefix")
	}
	return c.reply(http.StatusOK, wire.MediaPlainJSON, openapi.Document(base))
}

// openapiSteg answers the document of the paths that are Steg's own.
func (s *Server) openapiSteg(c *call) error {
	return c.reply(http.StatusOK, wire.MediaPlainJSON, openapi.Steg())
}

// healthy answers /healthy: 200 while the API listener takes requests. Kafka is not asked: a pod must not be restarted
// because a broker is away.
func (s *Server) healthy(c *call) error {
	if s.ready.Load() {
		c.empty(http.StatusOK)
	} else {
		c.empty(http.StatusInternalServerError)
	}
	return nil
}
