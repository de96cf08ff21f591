package wire

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCORSConstants: the order of the headers is the contract's.
func TestCORSConstants(t *testing.T) {
	want := []string{
		"access-control-allow-origin", "content-length", "x-forwarded-proto", "x-forwarded-host", "origin", "x-requested-with",
		"content-type", "access-control-allow-methods", "accept",
	}
	if diff := cmp.Diff(want, strings.Split(CORSAllowHeaders, ",")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if CORSRejected != "CORS Rejected - Invalid origin" {
		t.Error(CORSRejected)
	}
}
