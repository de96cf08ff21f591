package metrics

import (
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// ContentType is the media type of AppendText's output.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// appendFamily writes one metric family. The library's own writer prints large and small numbers with an exponent, which
// the reference bridge's clients were never given; apart from that the output is the same.
func appendFamily(dst []byte, f *dto.MetricFamily) []byte {
	name := f.GetName()
	dst = append(append(append(append(dst, "# HELP "...), name...), ' '), escapeHelp(f.GetHelp())...)
	dst = append(append(append(dst, "\n# TYPE "...), name...), ' ')
	dst = append(append(dst, strings.ToLower(f.GetType().String())...), '\n')
	for _, m := range f.GetMetric() {
		switch {
		case m.GetCounter() != nil:
			dst = appendSample(dst, name, m.GetLabel(), "", "", m.GetCounter().GetValue())
		case m.GetGauge() != nil:
			dst = appendSample(dst, name, m.GetLabel(), "", "", m.GetGauge().GetValue())
		case m.GetSummary() != nil:
			dst = appendSample(dst, name+"_sum", m.GetLabel(), "", "", m.GetSummary().GetSampleSum())
			dst = appendSample(dst, name+"_count", m.GetLabel(), "", "", float64(m.GetSummary().GetSampleCount()))
		case m.GetHistogram() != nil:
			dst = appendHistogram(dst, name, m)
		}
	}
	return dst
}

func appendHistogram(dst []byte, name string, m *dto.Metric) []byte {
	h := m.GetHistogram()
	for _, b := range h.GetBucket() {
		le := string(appendValue(nil, b.GetUpperBound()))
		dst = appendSample(dst, name+"_bucket", m.GetLabel(), "le", le, float64(b.GetCumulativeCount()))
	}
	dst = appendSample(dst, name+"_bucket", m.GetLabel(), "le", "+Inf", float64(h.GetSampleCount()))
	dst = appendSample(dst, name+"_sum", m.GetLabel(), "", "", h.GetSampleSum())
	return appendSample(dst, name+"_count", m.GetLabel(), "", "", float64(h.GetSampleCount()))
}

// appendSample writes one line; extra is a last label, left out when it is empty.
func appendSample(dst []byte, name string, labels []*dto.LabelPair, extra, extraValue string, value float64) []byte {
	dst = append(dst, name...)
	separator := byte('{')
	for _, l := range labels {
		dst = appendLabel(append(dst, separator), l.GetName(), l.GetValue())
		separator = ','
	}
	if extra != "" {
		dst = appendLabel(append(dst, separator), extra, extraValue)
		separator = ','
	}
	if separator == ',' {
		dst = append(dst, '}')
	}
	return append(appendValue(append(dst, ' '), value), '\n')
}

func appendLabel(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), '=', '"')
	return append(append(dst, labelEscapes.Replace(value)...), '"')
}

// labelEscapes are those of the text format; a Replacer is immutable and safe for all.
var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func escapeHelp(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(text)
}

// appendValue writes digits with a decimal point and at least one decimal, as the reference does.
func appendValue(dst []byte, v float64) []byte {
	before := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	if text := dst[before:]; !strings.ContainsAny(string(text), ".IN") {
		dst = append(dst, ".0"...)
	}
	return dst
}
