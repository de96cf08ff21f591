package controller

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// peakSlots and peakSlot are the reference operator's (Micrometer's TimeWindowMax): two minutes in three parts, of which the
// oldest is dropped. So a duration counts for 80 to 120 s.
const (
	peakSlots = 3
	peakSlot  = 40 * time.Second
)

// peaks is a gauge of the longest that a pass took in the last two minutes, by the kind and namespace of its resource.
type peaks struct {
	desc  *prometheus.Desc
	now   func() time.Time
	began time.Time

	mu sync.Mutex
	by map[place]*peak
}

// peak is of one place: the longest in each slot, and the slot that counts now.
type peak struct {
	slot    int64
	longest [peakSlots]float64
}

func newPeaks(name, help string, labels []string, now func() time.Time) *peaks {
	return &peaks{desc: prometheus.NewDesc(name, help, labels, nil), now: now, began: now(), by: make(map[place]*peak)}
}

// observe notes how long a pass took.
func (p *peaks) observe(at place, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.by[at]
	if one == nil {
		one = &peak{}
		p.by[at] = one
	}
	p.turn(one)
	slot := &one.longest[one.slot%peakSlots]
	*slot = max(*slot, took.Seconds())
}

// turn empties the slots that time has passed by. A clock that is set back changes nothing: began and now are monotonic.
func (p *peaks) turn(one *peak) {
	slot := int64(p.now().Sub(p.began) / peakSlot)
	for i := max(one.slot+1, slot-peakSlots+1); i <= slot; i++ {
		one.longest[i%peakSlots] = 0
	}
	one.slot = max(one.slot, slot)
}

// Describe is prometheus.Collector's.
func (p *peaks) Describe(to chan<- *prometheus.Desc) { to <- p.desc }

// Collect is prometheus.Collector's. The label selector is empty, as in the other series.
func (p *peaks) Collect(to chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, one := range p.by {
		p.turn(one)
		to <- prometheus.MustNewConstMetric(p.desc, prometheus.GaugeValue, slices.Max(one.longest[:]), at.kind, at.namespace, "")
	}
}
