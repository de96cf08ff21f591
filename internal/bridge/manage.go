package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/logging"
)

// readyTime bounds the question to Kafka behind /ready?kafka: less than the second that a kubelet waits by default.
const readyTime = 900 * time.Millisecond

// readiness answers /ready: as /healthy, and with ?kafka only while Kafka answers too. That is for those who would rather
// take a pod out of its Service than have it answer errors; it takes all pods out when the cluster is away.
func (s *Server) readiness(c *call) error {
	if _, asked := c.query()["kafka"]; asked && s.ready.Load() {
		ctx, cancel := context.WithTimeout(c.r.Context(), readyTime)
		defer cancel()
		if err := s.admin.Ping(ctx); err != nil {
			c.failure = "kafka away"
			c.empty(http.StatusInternalServerError)
			return nil
		}
	}
	return s.healthy(c)
}

// hasStarted answers /started: 204 once the API listener takes requests, for good, and 503 before. With
// bridge.start.wait.kafka.ms it also waits until Kafka has answered, but not beyond that time: an application that is
// started after its sidecar (a native one with a startup probe) must come up without Kafka too, only a little later.
func (s *Server) hasStarted(c *call) error {
	if s.listened.Load() && (time.Since(s.started) >= s.cfg.StartWait || s.meetsKafka(c.r.Context())) {
		c.empty(http.StatusNoContent)
	} else {
		c.empty(http.StatusServiceUnavailable)
	}
	return nil
}

// meetsKafka reports whether Kafka has answered since the start, and asks it if nobody has.
func (s *Server) meetsKafka(ctx context.Context) bool {
	if s.metKafka.Load() || !s.kafka.LastHeard().IsZero() {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if s.admin.Ping(ctx) != nil {
		return false
	}
	s.metKafka.Store(true)
	return true
}

// local refuses callers from elsewhere than this host: the management listener is reachable to whoever can scrape it, and
// these paths change the process or show its inside.
func (c *call) local() error {
	peer, err := netip.ParseAddrPort(c.r.RemoteAddr)
	if err == nil && peer.Addr().Unmap().IsLoopback() {
		return nil
	}
	return &wire.Error{Code: http.StatusForbidden, Message: "Only answered on loopback"}
}

// quitNow answers POST /quitquitquit, and then ends the process as SIGTERM would. It is for pods that have to end with
// their main container and whose kubelet does not know sidecars yet.
func (s *Server) quitNow(c *call) error {
	if s.quit == nil {
		return wire.NotFound()
	}
	if err := c.local(); err != nil {
		return err
	}
	s.log.Info("asked to quit", "id", c.requestID())
	defer s.quit()
	return c.noContent()
}

// levels is the body of /logging, both ways. A null takes an operation's own level away.
type levels struct {
	Level      *string            `json:"level,omitempty"`
	Operations map[string]*string `json:"operations,omitempty"`
}

// getLogging answers GET /logging.
func (s *Server) getLogging(c *call) error {
	if s.logs == nil {
		return wire.NotFound()
	}
	level := logging.Word(s.logs.Level())
	out := levels{Level: &level, Operations: make(map[string]*string)}
	for name, own := range s.logs.Operations() {
		word := logging.Word(own)
		out.Operations[name] = &word
	}
	body, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("logging: %w", err)
	}
	return c.reply(http.StatusOK, wire.MediaPlainJSON, body)
}

// setLogging answers PUT /logging: what the body names is changed, all of it or nothing, until the process ends.
func (s *Server) setLogging(c *call) error {
	if s.logs == nil {
		return wire.NotFound()
	}
	if err := c.local(); err != nil {
		return err
	}
	body, err := s.bodies.read(c.w, c.r)
	if err != nil {
		return err
	}
	defer body.release()
	in := levels{}
	decoder := json.NewDecoder(bytes.NewReader(body.data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return &wire.Error{Code: http.StatusBadRequest, Message: `The body has to be like {"level":"debug","operations":{"send":"warn","poll":null}}`}
	}
	if err := s.applyLevels(in); err != nil {
		return wire.Unprocessable(err.Error())
	}
	s.log.Warn("log levels changed", "id", c.requestID(), "level", logging.Word(s.logs.Level()), "operations", logging.RenderOperations(s.logs.Operations()))
	return s.getLogging(c)
}

// applyLevels checks all of a change, and then makes it.
func (s *Server) applyLevels(in levels) error {
	var entries []string
	named := make(map[string]slog.Level)
	for name, word := range in.Operations {
		named[name] = slog.LevelInfo
		if word != nil {
			entries = append(entries, name+"="+*word)
		}
	}
	own, err := logging.ParseOperations(entries)
	if err != nil {
		return err
	}
	if err := s.checkLevels(named); err != nil {
		return err
	}
	if in.Level != nil {
		level, err := logging.ParseLevel(*in.Level)
		if err != nil {
			return err
		}
		s.logs.SetLevel(level)
	}
	for name := range in.Operations {
		if level, ok := own[name]; ok {
			s.logs.SetOperation(name, &level)
		} else {
			s.logs.SetOperation(name, nil)
		}
	}
	return nil
}

// checkLevels refuses levels of operations that there are not: nobody would ever see what they do.
func (s *Server) checkLevels(levels map[string]slog.Level) error {
	known := []string{lost}
	for _, op := range operations() {
		known = append(known, op.id)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(levels)) {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("log.level.operations: there is no operation %q: %s", name, strings.Join(known, ", ")))
		}
	}
	return errors.Join(errs...)
}
