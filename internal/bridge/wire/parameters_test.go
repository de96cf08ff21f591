package wire

import (
	"math"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestPartitionID(t *testing.T) {
	text := violation("Instance type string is invalid. Expected integer")
	for raw, c := range map[string]struct {
		want int32
		err  *Error
	}{
		"0":           {0, nil},
		"7":           {7, nil},
		"-0":          {0, nil},
		"2147483647":  {2147483647, nil},
		"2147483648":  {0, InvalidPartition()},
		"3000000000":  {0, InvalidPartition()},
		"1.0":         {0, InvalidPartition()},
		"1e2":         {0, InvalidPartition()},
		" 5":          {0, InvalidPartition()},
		"-1":          {0, violation("-1 is less than 0")},
		"-2147483649": {0, violation("-2147483649 is less than 0")},
		"1.5":         {0, violation("Instance type number is invalid. Expected integer")},
		"-1.5":        {0, violation("Instance type number is invalid. Expected integer", "-1.5 is less than 0")},
		"karel":       {0, text},
		"":            {0, text},
		"05":          {0, text},
		"+5":          {0, text},
		"0x10":        {0, text},
		`"5"`:         {0, text},
		"true":        {0, violation("Instance type boolean is invalid. Expected integer")},
		"null":        {0, violation("Instance type null is invalid. Expected integer")},
		"[1]":         {0, violation("Instance type array is invalid. Expected integer")},
		"{}":          {0, violation("Instance type object is invalid. Expected integer")},
		`"5`:          {0, UndecodableParameter("path", "partitionid")},
		`5"`:          {0, UndecodableParameter("path", "partitionid")},
		`\x`:          {0, UndecodableParameter("path", "partitionid")},
		"a\nb":        {0, UndecodableParameter("path", "partitionid")},
	} {
		t.Run(raw, func(t *testing.T) {
			got, err := PartitionID(raw)
			wantRefusal(t, err, c.err)
			if got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

func TestAsync(t *testing.T) {
	text := violation("Instance type string is invalid. Expected boolean")
	for query, c := range map[string]struct {
		want bool
		err  *Error
	}{
		"":                       {false, nil},
		"other=1":                {false, nil},
		"async=true":             {true, nil},
		"async=false":            {false, nil},
		"async=%20true%20":       {true, nil},
		"async=true&async=wrong": {true, nil},
		"async=wrong":            {false, text},
		"async=wrong&async=true": {false, text},
		"async=":                 {false, text},
		"async":                  {false, text},
		"async=TRUE":             {false, text},
		"async=%22true%22":       {false, text},
		"async=1":                {false, violation("Instance type number is invalid. Expected boolean")},
		"async=null":             {false, violation("Instance type null is invalid. Expected boolean")},
		"async=%22":              {false, UndecodableParameter("query", "async")},
	} {
		t.Run(query, func(t *testing.T) {
			q, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Async(q)
			wantRefusal(t, err, c.err)
			if got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
	if got, err := Async(nil); got || err != nil {
		t.Errorf("without a query: %v, %v", got, err)
	}
}

func TestPoll(t *testing.T) {
	const (
		text    = "Instance type string is invalid. Expected integer"
		badLong = `Integer does not match the format "int64"`
		longest = time.Duration(math.MaxInt64/int64(time.Millisecond)) * time.Millisecond
	)
	all := int64(math.MaxInt64)
	for query, c := range map[string]struct {
		want PollParams
		err  *Error
	}{
		"":                                {PollParams{100 * time.Millisecond, all}, nil},
		"timeout=0":                       {PollParams{0, all}, nil},
		"timeout=1500":                    {PollParams{1500 * time.Millisecond, all}, nil},
		"timeout=1&timeout=x":             {PollParams{time.Millisecond, all}, nil},
		"timeout=9223372036854775807":     {PollParams{longest, all}, nil},
		"max_bytes=1":                     {PollParams{100 * time.Millisecond, 1}, nil},
		"max_bytes=-1":                    {PollParams{100 * time.Millisecond, -1}, nil},
		"max_bytes=5&timeout=2":           {PollParams{2 * time.Millisecond, 5}, nil},
		"timeout=-1":                      {PollParams{-time.Millisecond, all}, nil},
		"timeout=-5":                      {PollParams{-5 * time.Millisecond, all}, nil},
		"timeout=-9223372036854775808":    {PollParams{-longest, all}, nil},
		"timeout=1.0":                     {PollParams{}, violation(badLong)},
		"timeout=1e3":                     {PollParams{}, violation(badLong)},
		"timeout=9223372036854775808":     {PollParams{}, violation(badLong)},
		"timeout=1e400":                   {PollParams{}, violation("Instance type number is invalid. Expected integer")},
		"timeout=foo":                     {PollParams{}, violation(text)},
		"timeout=":                        {PollParams{}, violation(text)},
		"max_bytes=foo":                   {PollParams{}, violation(text)},
		"max_bytes=1.0":                   {PollParams{}, violation(badLong)},
		"max_bytes=foo&timeout=-1":        {PollParams{}, violation(text)},
		"max_bytes=92233720368547758070":  {PollParams{}, violation(badLong)},
		"max_bytes=%22":                   {PollParams{}, UndecodableParameter("query", "max_bytes")},
		"timeout=-9223372036854775809000": {PollParams{}, violation(badLong)},
	} {
		t.Run(query, func(t *testing.T) {
			q, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Poll(q)
			wantRefusal(t, err, c.err)
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// FuzzParameters: every value is taken or refused by 400 or, a partition only,
// 422; what is taken lies within its bounds.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{"", "0", "-1", "karel", "3000000000", "1.0", "true", `"`, "1e400", "\xff", "\xef\xbb\xbf1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if id, err := PartitionID(raw); err != nil {
			if code := refusal(t, err).Code; code != 400 && code != 422 {
				t.Errorf("partition %q: %d", raw, code)
			}
		} else if id < 0 {
			t.Errorf("partition %q is %d", raw, id)
		}
		if _, err := Async(url.Values{"async": {raw}}); err != nil && refusal(t, err).Code != 400 {
			t.Errorf("async %q: %v", raw, err)
		}
		p, err := Poll(url.Values{"timeout": {raw}, "max_bytes": {raw}})
		if err != nil && refusal(t, err).Code != 400 {
			t.Errorf("poll %q: %v", raw, err)
		}
		if err == nil && (p.Timeout < 0) != strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(raw, "\ufeff")), "-") && p.Timeout != 0 {
			t.Errorf("timeout %q is %v", raw, p.Timeout)
		}
	})
}
