package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// flags reads a command's flags, then the environment for those that were not given: --http-address is also
// STEG_HTTP_ADDRESS.
type flags struct {
	*flag.FlagSet
	usage string
}

func newFlags(name, usage string) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), usage: usage}
	f.SetOutput(io.Discard)
	return f
}

// read parses the command line and the environment. flag.ErrHelp means that the help was printed; any other error is a
// usageError.
func (f *flags) read(args, environ []string, stdout io.Writer) error {
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, f.usage)
		f.SetOutput(stdout)
		f.PrintDefaults()
		return err
	}
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err == nil {
		err = f.fill(environ)
	}
	if err != nil {
		return usageError{fmt.Errorf("%w (see --help)", err)}
	}
	return nil
}

// fill sets the flags that were not given from the environment. An empty variable counts as none: that is how manifests
// leave one out.
func (f *flags) fill(environ []string) error {
	given := make(map[string]bool)
	f.Visit(func(set *flag.Flag) { given[set.Name] = true })
	var errs []error
	f.VisitAll(func(known *flag.Flag) {
		name := variable(known.Name)
		value, ok := lookup(environ, name)
		if !ok || value == "" || given[known.Name] {
			return
		}
		if err := f.Set(known.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("invalid value %q for %s: %w", value, name, err))
		}
	})
	return errors.Join(errs...)
}

// variable is the name in the environment of a flag.
func variable(flag string) string {
	return "STEG_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// lookup returns the last value of a name, as a shell would see it.
func lookup(environ []string, name string) (string, bool) {
	for _, entry := range slices.Backward(environ) {
		if key, value, ok := strings.Cut(entry, "="); ok && key == name {
			return value, true
		}
	}
	return "", false
}

// words is a flag with several values, separated by commas; blanks around them count for nothing, nor do empty ones.
type words []string

func (w *words) String() string { return strings.Join(*w, ",") }

func (w *words) Set(value string) error {
	*w = nil
	for word := range strings.SplitSeq(value, ",") {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(*w, word) {
			*w = append(*w, word)
		}
	}
	return nil
}

// choice is a flag that takes one of some words.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }

func (c *choice) Set(value string) error {
	if !slices.Contains(c.of, value) {
		return fmt.Errorf("one of %s was expected", strings.Join(c.of, ", "))
	}
	c.value = value
	return nil
}

// files is a flag that may be repeated.
type files []string

func (l *files) String() string { return strings.Join(*l, " ") }

func (l *files) Set(value string) error {
	*l = append(*l, value)
	return nil
}
