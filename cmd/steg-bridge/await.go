package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
)

const (
	// awaitPause lies between two questions: a container's start waits for the answer, so that it is short.
	awaitPause = 50 * time.Millisecond
	// awaitAnswer bounds one question. The bridge asks Kafka within the second of a kubelet's probe.
	awaitAnswer = 2 * time.Second
)

// await waits until the bridge that runs with the same settings on this host says that it has started, for limit at
// most, and says so in one line. It is for hooks in images that have no shell and no curl; what keeps the bridge from
// starting is in its own log.
func await(ctx context.Context, stdout io.Writer, s settings, limit time.Duration) error {
	if s.HTTP.ManagementPort == 0 {
		return errors.New("--await needs http.management.port: 0 is a port that nobody else knows")
	}
	url := "http://" + net.JoinHostPort(loopback(s.HTTP.ManagementHost), strconv.Itoa(s.HTTP.ManagementPort)) + "/started"
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	client := &http.Client{Timeout: awaitAnswer, Transport: &http.Transport{DisableKeepAlives: true}}
	last := errors.New("no answer") // of the last question that was answered in some way
	for {
		err := askStarted(ctx, client, url)
		if err == nil {
			fmt.Fprintf(stdout, "started: %s answered after %s\n", url, time.Since(began).Round(time.Millisecond))
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not started after %s: %w", time.Since(began).Round(time.Millisecond), last)
		case <-time.After(awaitPause):
		}
	}
}

// askStarted asks once. Only 204 is a yes: another server on the port would not answer that.
func askStarted(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s answered %d", url, response.StatusCode)
	}
	return nil
}

// loopback is where a listener of this host is asked: itself if it has one address, or else the loopback of IPv4.
func loopback(host string) string {
	switch host {
	case "", bridgeconfig.AnyHost, "0.0.0.0":
		return "127.0.0.1"
	case "::":
		return "::1"
	}
	return host
}
