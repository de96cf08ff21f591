package model

import (
	"fmt"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// Reasons of warnings. The first two are the reference operator's.
const (
	// ReasonUnknownFields is about keys of free-form maps that nothing knows. They are left out.
	ReasonUnknownFields = v1.ReasonUnknownFields
	// ReasonDeprecatedFields is about fields that have a successor or none. They do what they did unless the message says otherwise.
	ReasonDeprecatedFields = v1.ReasonDeprecatedFields
	// ReasonNoEffect is about fields that are accepted and change nothing.
	ReasonNoEffect = "FieldsWithoutEffect"
	// ReasonForbiddenFields is about keys of free-form maps that only the operator may write. They are left out.
	ReasonForbiddenFields = "ForbiddenFields"
	// ReasonPlainSecret is about secrets that stand in the resource itself.
	ReasonPlainSecret = "SecretInResource"
)

// Warning is one condition of type Warning: something that was said is ignored, or will be.
type Warning struct {
	Reason  string // one word for programs
	Message string // one line that names the field
}

// Invalid is something that can't be as it was said. It is the user's to change.
type Invalid struct {
	Field   string // path of the field, such as spec.http.port
	Message string // what is wrong and what to write instead, one line
}

// Error returns the field and the message.
func (i Invalid) Error() string { return i.Field + ": " + i.Message }

// problems is several Invalid as one error of one line.
type problems []error

// Error is one line, since kubectl shows what an admission webhook says in one.
func (p problems) Error() string {
	texts := make([]string, len(p))
	for i, err := range p {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.As find the first Invalid.
func (p problems) Unwrap() []error { return p }

// Findings collects what is said about one resource, in the order in which it is found. Nothing is said twice. The zero value
// is empty.
type Findings struct {
	warnings []Warning
	problems problems
	said     map[string]bool
}

// Warn notes that something is ignored, or will be.
func (f *Findings) Warn(reason, format string, args ...any) {
	w := Warning{Reason: reason, Message: fmt.Sprintf(format, args...)}
	if f.first(w.Reason + " " + w.Message) {
		f.warnings = append(f.warnings, w)
	}
}

// NoEffect warns of a field that changes nothing; why is a clause behind a colon.
func (f *Findings) NoEffect(field, why string) {
	f.Warn(ReasonNoEffect, "%s has no effect: %s", field, why)
}

// Invalid notes that something can't be.
func (f *Findings) Invalid(field, format string, args ...any) {
	i := Invalid{Field: field, Message: fmt.Sprintf(format, args...)}
	if f.first(i.Error()) {
		f.problems = append(f.problems, i)
	}
}

// first reports whether a text is said for the first time.
func (f *Findings) first(text string) bool {
	if f.said == nil {
		f.said = map[string]bool{}
	}
	before := f.said[text]
	f.said[text] = true
	return !before
}

// Warnings returns what was warned of.
func (f *Findings) Warnings() []Warning { return f.warnings }

// Err returns what is invalid as one error of one line in which errors.As finds an [Invalid], or nil.
func (f *Findings) Err() error {
	if len(f.problems) == 0 {
		return nil
	}
	return f.problems
}
