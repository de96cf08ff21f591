package config

import "time"

// Vacancy is for how long no quorum has been possible, as far as somebody who looks now and then can tell. The zero value is that
// of a quorum nobody has looked for.
type Vacancy struct{ since time.Time }

// Look takes in what a look has found that lasted from began to ended: whether a quorum is possible, and whether he who waits for it
// answers, without whom it means nothing. It returns how long there has been none without a break, 0 if there is one or it means
// nothing.
func (v *Vacancy) Look(began, ended time.Time, possible, answered bool) time.Duration {
	if possible || !answered {
		v.since = time.Time{}
		return 0
	}
	if v.since.IsZero() {
		v.since = began // nobody was there since
	}
	return ended.Sub(v.since)
}
