package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/consumers"
	"github.com/steg-kafka/steg/internal/bridge/producer"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// statusReport is the answer of GET /status; the schema Status of /openapi/steg describes it.
type statusReport struct {
	Version       string              `json:"bridge_version"`
	Started       time.Time           `json:"started"`
	UptimeSeconds float64             `json:"uptime_seconds"`
	Ready         bool                `json:"ready"`
	RequestBytes  int64               `json:"request_bytes_held"`
	RequestLimit  int64               `json:"request_bytes_limit"`
	Kafka         kafkaStatus         `json:"kafka"`
	Producer      *producerStatus     `json:"producer"`
	Consumers     []consumerStatus    `json:"consumers"`
	Certificates  []certificateStatus `json:"certificates"`
}

// kafkaStatus is what the clients' connections tell. Times are nil where nothing has happened.
type kafkaStatus struct {
	Reachable  bool       `json:"reachable"`
	Since      *time.Time `json:"since"`
	LastAnswer *time.Time `json:"last_answer"`
	LastError  *string    `json:"last_error"`
}

// producerStatus is nil until the first record is sent.
type producerStatus struct {
	InflightBytes int64  `json:"inflight_bytes"`
	LimitBytes    int64  `json:"limit_bytes"`
	Records       int64  `json:"records_in_flight"`
	Refused       uint64 `json:"requests_refused"`
	Failed        uint64 `json:"records_failed"`
	Topics        int    `json:"topics_known"`
}

type consumerStatus struct {
	Group           string             `json:"group"`
	Name            string             `json:"name"`
	Format          string             `json:"format"`
	Mode            string             `json:"mode"`
	Busy            bool               `json:"busy"`
	LastUsed        time.Time          `json:"last_used"`
	LastPoll        *time.Time         `json:"last_poll"`
	LastError       *failureStatus     `json:"last_error"`
	Assignment      map[string][]int32 `json:"assignment"`
	Positions       []positionStatus   `json:"positions"`
	Lag             int64              `json:"lag"`
	BufferedRecords int                `json:"buffered_records"`
	BufferedBytes   int64              `json:"buffered_bytes"`
}

type failureStatus struct {
	At      time.Time `json:"at"`
	Message string    `json:"message"`
}

// positionStatus has a lag of nil before the first fetch has told where the partition ends.
type positionStatus struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Lag       *int64 `json:"lag"`
}

type certificateStatus struct {
	Use      string    `json:"use"`
	NotAfter time.Time `json:"not_after"`
}

const (
	// staleAfter is how old the last word of Kafka may be before /status asks for a new one.
	staleAfter = 10 * time.Second
	// statusPatience bounds that question.
	statusPatience = 2 * time.Second
)

// status answers GET /status on the management listener.
func (s *Server) status(c *call) error {
	if time.Since(s.kafka.LastHeard()) > staleAfter {
		ctx, cancel := context.WithTimeout(c.r.Context(), statusPatience)
		_ = s.admin.Ping(ctx) // the hook of the client has seen what came of it
		cancel()
	}
	report := statusReport{
		Version: s.version, Started: s.started.UTC(), UptimeSeconds: time.Since(s.started).Seconds(), Ready: s.ready.Load(),
		RequestBytes: s.bodies.budget.used.Load(), RequestLimit: s.bodies.budget.limit,
		Kafka: kafkaReport(s.kafka), Consumers: []consumerStatus{}, Certificates: []certificateStatus{},
	}
	if p := s.producer.shared.Load(); p != nil {
		report.Producer = producerReport(p.Stats())
	}
	for _, i := range s.consumers.Snapshot() {
		report.Consumers = append(report.Consumers, consumerReport(i))
	}
	slices.SortFunc(report.Consumers, func(a, b consumerStatus) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Name, b.Name))
	})
	if s.certs != nil {
		for _, used := range s.certs() {
			report.Certificates = append(report.Certificates, certificateStatus{Use: used.Use, NotAfter: used.NotAfter.UTC()})
		}
	}
	body, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	return c.reply(http.StatusOK, wire.MediaPlainJSON, body)
}

func kafkaReport(r *Reach) kafkaStatus {
	reachable, since, problem := r.Reachable()
	out := kafkaStatus{Reachable: reachable, Since: moment(since), LastAnswer: moment(r.LastHeard())}
	if problem != "" {
		out.LastError = &problem
	}
	return out
}

func producerReport(p producer.Stats) *producerStatus {
	return &producerStatus{
		InflightBytes: p.InflightBytes, LimitBytes: p.LimitBytes, Records: p.Records,
		Refused: p.Refused, Failed: p.Failed, Topics: p.Topics,
	}
}

func consumerReport(i consumers.Status) consumerStatus {
	out := consumerStatus{
		Group: i.Group, Name: i.Name, Format: i.Format, Mode: i.Mode, Busy: i.Busy, LastUsed: i.LastUsed.UTC(),
		LastPoll: moment(i.LastPoll), Assignment: make(map[string][]int32), Positions: []positionStatus{}, Lag: lag(i.Positions),
		BufferedRecords: i.BufferedRecords, BufferedBytes: i.BufferedBytes,
	}
	if i.LastError != "" {
		out.LastError = &failureStatus{At: i.LastErrorAt.UTC(), Message: i.LastError}
	}
	for _, t := range i.Assignment {
		out.Assignment[t.Topic] = t.Partitions
	}
	for _, p := range i.Positions {
		at := positionStatus{Topic: p.Topic, Partition: p.Partition, Offset: p.Offset}
		if p.Lag >= 0 {
			at.Lag = &p.Lag
		}
		out.Positions = append(out.Positions, at)
	}
	return out
}

// moment is nil for a time that has not come.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
