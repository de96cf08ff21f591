package kafkaadmin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// States of a broker as its agent tells them: the numbers of Kafka's own metric BrokerState.
const (
	BrokerRecovery = 2
	BrokerRunning  = 3
)

// NodeState is what the agent beside a node's Kafka says of it.
type NodeState struct {
	// State is one of Kafka's numbers; only BrokerRecovery and BrokerRunning matter here.
	State int
	// Logs and Segments are what is left to be read in BrokerRecovery.
	Logs, Segments int
}

const (
	// agentPort is steg-node's, and the reference operator's agent's.
	agentPort = 8443
	agentPath = "/v1/broker-state/"
	// agentTimeout bounds the whole request: the agent answers from memory.
	agentTimeout = 2 * time.Second
	// agentAnswer bounds the answer in bytes.
	agentAnswer = 4 << 10
)

// AskNode asks the agent at a host for the state of its broker, by the operator's certificate. Bootstrap of the access is not used.
func AskNode(ctx context.Context, a Access, host string) (NodeState, error) {
	return askAgent(ctx, a, net.JoinHostPort(host, strconv.Itoa(agentPort)))
}

func askAgent(ctx context.Context, a Access, address string) (state NodeState, err error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.Trusted) {
		return state, errors.New("trusted certificates: there is none in PEM form")
	}
	own, err := tls.X509KeyPair(a.Certificate, a.Key)
	if err != nil {
		return state, fmt.Errorf("the operator's certificate and key: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, agentTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+agentPath, http.NoBody)
	if err != nil {
		return state, fmt.Errorf("ask %s: %w", address, err)
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{own}},
		DisableKeepAlives: true,
	}
	resp, err := transport.RoundTrip(req) // no redirects
	if err != nil {
		return state, fmt.Errorf("ask %s: %w", address, err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return state, fmt.Errorf("ask %s: %s", address, resp.Status)
	}
	return readState(address, io.LimitReader(resp.Body, agentAnswer))
}

func readState(address string, body io.Reader) (NodeState, error) {
	var answer struct {
		State    *int `json:"brokerState"`
		Recovery struct {
			Logs     int `json:"remainingLogsToRecover"`
			Segments int `json:"remainingSegmentsToRecover"`
		} `json:"recoveryState"`
	}
	if err := json.NewDecoder(body).Decode(&answer); err != nil {
		return NodeState{}, fmt.Errorf("answer of %s: %w", address, err)
	}
	if answer.State == nil {
		return NodeState{}, fmt.Errorf("answer of %s: brokerState is missing", address)
	}
	return NodeState{State: *answer.State, Logs: max(0, answer.Recovery.Logs), Segments: max(0, answer.Recovery.Segments)}, nil
}
