package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
)

// payload returns one record's value of size bytes as Kafka gets it, and as it stands in a request of a format.
func payload(format string, size int) (value, inRequest []byte) {
	switch format {
	case "json":
		const frame = `{"id":4711,"text":""}`
		value = []byte(`{"id":4711,"text":"` + strings.Repeat("x", size-len(frame)) + `"}`)
		return value, value
	case "text":
		value = bytes.Repeat([]byte("x"), size)
		return value, []byte(`"` + string(value) + `"`)
	default:
		value = make([]byte, size)
		for i := range value {
			value[i] = byte(i*131 + i>>8)
		}
		return value, []byte(`"` + base64.StdEncoding.EncodeToString(value) + `"`)
	}
}

// produceRequest returns a whole request that sends the scenario's records to a target. A key is for the embedded format
// json only.
func (s scenario) produceRequest(addr string, to target) []byte {
	_, value := payload(s.format, s.size)
	var key string
	if to.key != "" {
		key = fmt.Sprintf(`"key":%q,`, to.key)
	}
	var body bytes.Buffer
	body.WriteString(`{"records":[`)
	for i := range s.records {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{%s"value":%s}`, key, value)
	}
	body.WriteString(`]}`)
	path := "/topics/" + to.topic
	if s.async {
		path += "?async=true"
	}
	return request(addr, "POST", path, "application/vnd.kafka."+s.format+".v2+json", body.Bytes())
}

// request returns a whole request. media is the content type with a body, and what is accepted without one.
func request(addr, method, path, media string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, addr)
	switch {
	case body != nil:
		fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n", media, len(body))
	case media != "":
		fmt.Fprintf(&b, "Accept: %s\r\n", media)
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}
