package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// JVMOptions is what STEG_JVM_OPTIONS holds: the jvmOptions of the resource. The zero value is what a node without them
// gets.
type JVMOptions struct {
	Xms, Xmx   string
	XX         map[string]string
	Properties []SystemProperty
	GCLogging  bool
}

// SystemProperty is one -D of the JVM.
type SystemProperty struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

var (
	sizePattern   = regexp.MustCompile(`^[0-9]+[kKmMgGtT]?$`)
	optionPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
	namePattern   = regexp.MustCompile(`^[^\s=]+$`)
)

// ParseJVMOptions reads the JSON of STEG_JVM_OPTIONS; an empty text is the zero value. An error names the key.
func ParseJVMOptions(text string) (JVMOptions, error) {
	var in struct {
		Xms        string                     `json:"-Xms"`
		Xmx        string                     `json:"-Xmx"`
		XX         map[string]json.RawMessage `json:"-XX"`
		Properties []SystemProperty           `json:"javaSystemProperties"`
		GCLogging  bool                       `json:"gcLoggingEnabled"`
	}
	if strings.TrimSpace(text) == "" {
		return JVMOptions{}, nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return JVMOptions{}, fmt.Errorf("not the JSON of JVM options: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return JVMOptions{}, errors.New("not the JSON of JVM options: there is more after the object")
	}
	o := JVMOptions{Xms: in.Xms, Xmx: in.Xmx, Properties: in.Properties, GCLogging: in.GCLogging}
	if len(in.XX) > 0 {
		o.XX = make(map[string]string, len(in.XX))
	}
	for name, raw := range in.XX {
		o.XX[name] = string(bytes.Trim(raw, `"`))
	}
	return o, o.check()
}

func (o JVMOptions) check() error {
	for key, size := range map[string]string{"-Xms": o.Xms, "-Xmx": o.Xmx} {
		if size != "" && !sizePattern.MatchString(size) {
			return fmt.Errorf("%s: %q is not a size: a number and k, m or g, such as 512m", key, size)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.XX)) {
		if !optionPattern.MatchString(name) {
			return fmt.Errorf("-XX: %q is not the name of an option", name)
		}
		if value := o.XX[name]; strings.ContainsAny(value, "\\\"{[\n") {
			return fmt.Errorf("-XX: the value of %s is neither true, false, a number nor a word", name)
		}
	}
	for _, p := range o.Properties {
		if !namePattern.MatchString(p.Name) {
			return fmt.Errorf("javaSystemProperties: %q is not a name", p.Name)
		}
	}
	return nil
}

// Image is what was found in the container that concerns the JVM.
type Image struct {
	Archive string // of classes; empty: there is none
	Temp    string // a writable directory for the libraries that jars bring along
}

// defaultXX are the options that Kafka's own start script gives a broker that was given none.
var defaultXX = []string{
	"-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
	"-XX:+ExplicitGCInvokesConcurrent", "-XX:MaxInlineLevel=15",
}

// Arguments are the JVM's options but those of the heap. As in the reference operator the author's -XX replace those of
// Kafka's start script. A JVM that has run out of memory ends unless the author says otherwise: what is left of a broker
// then would still look alive.
func (o JVMOptions) Arguments(image Image) []string {
	var out []string
	if _, ok := o.XX["ExitOnOutOfMemoryError"]; !ok {
		out = append(out, "-XX:+ExitOnOutOfMemoryError")
	}
	if len(o.XX) == 0 {
		out = append(out, defaultXX...)
	} else {
		out = append(out, o.xx()...)
	}
	if _, ok := o.XX["SharedArchiveFile"]; !ok && image.Archive != "" {
		out = append(out, "-XX:SharedArchiveFile="+image.Archive)
	}
	if o.GCLogging {
		out = append(out, "-Xlog:gc*:stdout:time,level,tags")
	}
	out = append(out, "-Djava.awt.headless=true", "-Djava.io.tmpdir="+image.Temp)
	for _, p := range o.Properties {
		out = append(out, "-D"+p.Name+"="+p.Value)
	}
	return out
}

// xx are the author's -XX options in the order of their names, but first those without which the JVM refuses others.
func (o JVMOptions) xx() []string {
	first := []string{"UnlockDiagnosticVMOptions", "UnlockExperimentalVMOptions"}
	var out []string
	add := func(name string) {
		switch value := o.XX[name]; strings.ToLower(value) {
		case "true":
			out = append(out, "-XX:+"+name)
		case "false":
			out = append(out, "-XX:-"+name)
		default:
			out = append(out, "-XX:"+name+"="+value)
		}
	}
	for _, name := range first {
		if _, ok := o.XX[name]; ok {
			add(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.XX)) {
		if !slices.Contains(first, name) {
			add(name)
		}
	}
	return out
}

// ArgumentFile writes options as the java launcher reads them from a file (java @FILE), one a line. The start scripts of
// Kafka split what they are given at blanks, so that this is the only way in for a value with one.
func ArgumentFile(options []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`)
	var b strings.Builder
	for _, option := range options {
		b.WriteString(`"` + escape.Replace(option) + "\"\n")
	}
	return b.String()
}
