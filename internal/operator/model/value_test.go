package model_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// TestValueText: a value as it may come from the API server, and from a file that no API server has read.
func TestValueText(t *testing.T) {
	for raw, want := range map[string]string{
		`"as it is "`: "as it is ", `"1e9"`: "1e9", `"5.0"`: "5.0", `""`: "",
		`true`: "true", `false`: "false",

		`0`: "0", `1`: "1", `-1`: "-1", `604800000`: "604800000", `9223372036854775807`: "9223372036854775807",
		`9007199254740993`: "9007199254740993", `-9223372036854775808`: "-9223372036854775808",
		`12345678901234567890123`: "12345678901234567890123",
		`0.5`:                     "0.5", `-0.25`: "-0.25", `0.1`: "0.1", `1.5`: "1.5", `100.001`: "100.001", `0.30000000000000004`: "0.30000000000000004",

		`1e9`: "1000000000", `1e+09`: "1000000000", `1E9`: "1000000000", `-1e+06`: "-1000000", `1e+30`: "1" + strings.Repeat("0", 30),
		`1.5e3`: "1500", `1.2345e2`: "123.45", `12345e-2`: "123.45", `1e-3`: "0.001", `1e-9`: "0.000000001", `120e-2`: "1.2", `0.012e1`: "0.12",
		`9.007199254740993e15`: "9007199254740993", `1e0`: "1", `10e-1`: "1", `1e399`: "1" + strings.Repeat("0", 399),

		`5.0`: "5", `1.50`: "1.5", `-0`: "0", `-0.0`: "0", `0e999999999999999999999`: "0", `100`: "100", `100.00`: "100",

		`["compact", "delete", 3, false, 1e3]`: "compact,delete,3,false,1000", `[]`: "", `[5.0]`: "5", ` 7 `: "7",
	} {
		if got, err := model.ValueText([]byte(raw)); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", raw, got, err, want)
		}
	}
}

// TestValueTextRefuses: what has no text is said in one line, which is short whatever was written.
func TestValueTextRefuses(t *testing.T) {
	const neither = "is neither a text, a number, a boolean nor a list of them"
	for raw, want := range map[string]string{
		``: neither, `null`: neither, `{}`: neither, `{"a":1}`: neither, `[[1]]`: neither, `[null]`: neither, `["a",{}]`: neither,
		`{`: "is not JSON: unexpected EOF", `1 2`: "is not JSON: there is more behind the value", `yes`: "is not JSON: invalid character 'y' looking for beginning of value",
		`1e400`:                         "the number 1e400 is too large: it has more than 400 digits",
		`-1e999`:                        "the number -1e999 is too large: it has more than 400 digits",
		`1e99999999999999999999`:        "the number 1e99999999999999999999 is too large: it has more than 400 digits",
		`1e-401`:                        "the number 1e-401 is too exact: it has more than 400 digits behind the point",
		`1e-9999999999999999999`:        "the number 1e-9999999999999999999 is too exact: it has more than 400 digits behind the point",
		strings.Repeat("9", 401):        "the number " + strings.Repeat("9", 40) + "… is too large: it has more than 400 digits",
		`["a", 1e400]`:                  "the number 1e400 is too large: it has more than 400 digits",
		`1.` + strings.Repeat("3", 401): "the number 1." + strings.Repeat("3", 38) + "… is too exact: it has more than 400 digits behind the point",
	} {
		if got, err := model.ValueText([]byte(raw)); err == nil || err.Error() != want {
			t.Errorf("%.60s: got %q, %v, want %s", raw, got, err, want)
		}
	}
}

// FuzzValueText: a number keeps its value to the last digit and is written in digits; whatever has a text keeps it when that is
// read again as a number.
func FuzzValueText(f *testing.F) {
	for _, raw := range []string{`1e3`, `-0.0`, `"x"`, `[1,"a"]`, `1E400`, `12345678901234567890`, `null`, `{`, `""`, `1e-400`, `0.00120e-2`, `-120.50e+3`, `1 2`} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, err := model.ValueText(raw)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		var number json.Number
		if strings.HasPrefix(strings.TrimSpace(string(raw)), `"`) || json.Unmarshal(raw, &number) != nil || number == "" {
			return
		}
		if strings.Trim(text, "-.0123456789") != "" || len(text) > 803 {
			t.Fatalf("%s became %s", raw, text)
		}
		was, ok := new(big.Rat).SetString(number.String())
		is, also := new(big.Rat).SetString(text)
		if !ok || !also || was.Cmp(is) != 0 {
			t.Errorf("%s became %s", raw, text)
		}
		if again, err := model.ValueText([]byte(text)); err != nil || again != text {
			t.Errorf("%s, and then %s, %v", text, again, err)
		}
	})
}

// TestNumbersOfBridges: one number has one text, however it was written, so that nothing is rolled for its form; and a client's
// settings take 1e6, as those of a topic do.
func TestNumbersOfBridges(t *testing.T) {
	hash := func(number string) string {
		t.Helper()
		bridge := read(t, []byte("metadata: {name: b}\nspec: {bootstrapServers: 'k:9092'}"))
		bridge.Spec.Producer = &v1.BridgeProducer{Config: v1.Config{"buffer.memory": apiextensionsv1.JSON{Raw: []byte(number)}}}
		b, warnings, err := model.ForBridge(resources(bridge))
		if err != nil || len(warnings) > 0 {
			t.Fatal(number, warnings, err)
		}
		if got := b.Properties()["kafka.producer.buffer.memory"]; got != "64000000" {
			t.Errorf("%s: %s", number, got)
		}
		return b.ConfigHash()
	}
	// The hash is what running sidecars carry: it may not change with the operator.
	const want = "09165b282d7a4226"
	for _, number := range []string{`64000000`, `"64000000"`, `6.4e7`, `6.4e+07`, `64000000.0`} {
		if got := hash(number); got != want {
			t.Errorf("%s: %s, want %s", number, got, want)
		}
	}
}
