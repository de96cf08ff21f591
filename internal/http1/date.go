package http1

import (
	"net/http"
	"sync/atomic"
	"time"
)

// date is the text of the Date header, which is written once a second.
type date struct{ last atomic.Pointer[stamp] }

type stamp struct {
	second int64
	text   string
}

// at returns the text for a time.
func (d *date) at(now time.Time) string {
	if s := d.last.Load(); s != nil && s.second == now.Unix() {
		return s.text
	}
	s := &stamp{second: now.Unix(), text: now.UTC().Format(http.TimeFormat)}
	d.last.Store(s)
	return s.text
}
