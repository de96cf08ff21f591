package bridge

import (
	"fmt"
	"io"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// The package net/http/pprof would do the same for half a megabyte more, and answer on a mux of its own.

const (
	// profileTime is how long the processor is watched unless the request says otherwise, as net/http/pprof has it.
	profileTime = 30 * time.Second
	traceTime   = time.Second
	// longestProfile bounds what a request may say.
	longestProfile = 10 * time.Minute

	mediaProfile = "application/octet-stream"
	mediaText    = "text/plain; charset=utf-8"
)

// profiles answers GET /debug/pprof, the list of the runtime's profiles.
func (s *Server) profiles(c *call) error {
	if err := s.mayProfile(c); err != nil {
		return err
	}
	list := "profile\ntrace\n"
	for _, p := range pprof.Profiles() {
		list += fmt.Sprintf("%s %d\n", p.Name(), p.Count())
	}
	return c.reply(http.StatusOK, mediaText, []byte(list))
}

// profile answers GET /debug/pprof/{profile}, for go tool pprof and go tool trace.
func (s *Server) profile(c *call) error {
	if err := s.mayProfile(c); err != nil {
		return err
	}
	switch name := c.params[0]; name {
	case "profile":
		return c.record(profileTime, pprof.StartCPUProfile, pprof.StopCPUProfile)
	case "trace":
		return c.record(traceTime, trace.Start, trace.Stop)
	default:
		return c.snapshot(pprof.Lookup(name))
	}
}

// mayProfile refuses callers from elsewhere, and all of them unless http.management.pprof is set.
func (s *Server) mayProfile(c *call) error {
	if !s.cfg.HTTP.Pprof {
		return wire.NotFound()
	}
	return c.local()
}

// snapshot answers a profile as it stands.
func (c *call) snapshot(p *pprof.Profile) error {
	if p == nil {
		return wire.NotFound()
	}
	debug, _ := strconv.Atoi(c.query().Get("debug")) // not a number: the binary form
	media := mediaProfile
	if debug > 0 {
		media = mediaText
	}
	return c.stream(media, func(w io.Writer) error { return p.WriteTo(w, debug) })
}

// record answers what is seen from now on, for the seconds that the request asks for or until its client leaves. Only one
// such recording of a kind can run.
func (c *call) record(span time.Duration, start func(io.Writer) error, stop func()) error {
	if seconds, err := strconv.Atoi(c.query().Get("seconds")); err == nil && seconds > 0 {
		span = min(time.Duration(seconds)*time.Second, longestProfile)
	}
	return c.stream(mediaProfile, func(w io.Writer) error {
		if err := start(w); err != nil {
			return err
		}
		defer stop()
		over := time.NewTimer(span)
		defer over.Stop()
		select {
		case <-over.C:
		case <-c.r.Context().Done():
		}
		return nil
	})
}

// stream answers 200 with what write writes. A failure before its first byte is still answered as one.
func (c *call) stream(media string, write func(io.Writer) error) error {
	w := &streamed{c: c, media: media}
	if err := write(w); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return nil
}

// streamed begins the answer with its first byte.
type streamed struct {
	c     *call
	media string
}

func (s *streamed) Write(p []byte) (int, error) {
	if s.c.status == 0 {
		s.c.status = http.StatusOK
		s.c.w.Header()["Content-Type"] = []string{s.media}
		s.c.w.WriteHeader(http.StatusOK)
	}
	s.c.bytes += int64(len(p))
	n, err := s.c.w.Write(p)
	if err != nil {
		err = &gone{err}
	}
	return n, err
}
