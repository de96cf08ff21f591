// Settings writes docs/reference/settings.md from the tables that the bridge itself reads its settings by, so that the
// page can't say anything else than the program does:
//
//	go run ./internal/gen/settings            # writes the page
//	go run ./internal/gen/settings -check     # compares, and exits with 1 when it is out of date
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/kafka"
)

func main() {
	check := flag.Bool("check", false, "compare with the file instead of writing it")
	path := flag.String("o", "docs/reference/settings.md", "the page")
	flag.Parse()
	if err := run(*path, *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string, check bool) error {
	if !check {
		if err := os.WriteFile(path, page(), 0o644); err != nil {
			return fmt.Errorf("writing the settings page: %w", err)
		}
		return nil
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the settings page: %w", err)
	}
	if !bytes.Equal(have, page()) {
		return errors.New(path + " is out of date: go run ./internal/gen/settings")
	}
	return nil
}

func page() []byte {
	var b bytes.Buffer
	b.WriteString(head)
	own(&b, false)
	b.WriteString(additions)
	own(&b, true)
	b.WriteString(clients)
	for _, part := range []struct {
		effect kafka.Effect
		text   string
	}{
		{kafka.Option, optionText},
		{kafka.NoEffect, noEffectText},
		{kafka.NotSupported, refusedText},
	} {
		b.WriteString(part.text)
		names(&b, part.effect)
	}
	return b.Bytes()
}

// own writes the bridge's own settings: the reference bridge's or our additions.
func own(b *bytes.Buffer, ours bool) {
	b.WriteString("| key | type | unit | default | range | effect | since |\n|---|---|---|---|---|---|---|\n")
	for _, s := range bridgeconfig.Settings() {
		if s.Ours == ours {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", s.Key, s.Type, s.Unit, code(s.Default), limits(s.Range), cell(s.Doc), s.Since)
		}
	}
}

// limits is a range as readers know it: the largest 32-bit number tells them nothing.
func limits(text string) string {
	low, found := strings.CutSuffix(text, fmt.Sprintf(" to %d", math.MaxInt32))
	if found {
		before, last, several := strings.Cut(low, "; ")
		if several {
			return cell(before + "; from " + last)
		}
		return cell("from " + low)
	}
	return cell(text)
}

// names writes the settings of the Kafka clients that share an effect.
func names(b *bytes.Buffer, effect kafka.Effect) {
	b.WriteString("| name | clients | type | default in Java | here |\n|---|---|---|---|---|\n")
	for _, name := range kafka.Names() {
		d, _ := kafka.Decide(name)
		if d.Effect != effect {
			continue
		}
		for i, s := range kafka.Settings(name) {
			why := cell(d.Why)
			if i > 0 {
				why = "″"
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", name, roles(s), s.Type, code(s.Default), why)
		}
	}
}

func roles(s kafka.Setting) string {
	if len(s.Roles) == 3 {
		return "all"
	}
	var all []string
	for _, r := range s.Roles {
		all = append(all, string(r))
	}
	return strings.Join(all, ", ")
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}

// cell keeps a text inside its cell.
func cell(s string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s) }

const head = `# Settings of steg-bridge

<!-- Written by internal/gen/settings from the program's tables. Do not edit. -->

A setting is a key and a text. It can come from, the later winning:

1. the properties file (` + "`--config-file`" + `), in Java's syntax;
2. the environment variable ` + "`STEG_PROPERTIES`" + `, a text in the same syntax (Unicode, where the file is ISO-8859-1);
3. an environment variable with the literal key as its name, such as ` + "`bridge.id`" + `;
4. an environment variable whose name is the key in upper case behind ` + "`STEG_`" + `, dots and dashes as underscores:
   ` + "`STEG_KAFKA_BOOTSTRAP_SERVERS`" + ` is ` + "`kafka.bootstrap.servers`" + `;
5. ` + "`--set key=value`" + `.

` + "`--print-config`" + ` shows what holds and where each value comes from, with the line where it is a text of lines; secrets are
masked. An unknown key is warned of with a suggestion; behind ` + "`--set`" + ` it is an error. Booleans are true when they say ` + "`true`" + ` in any case, and false otherwise.

## Settings of the Strimzi Kafka Bridge

`

const additions = `
## Additions

`

const clients = `
## Settings of the Kafka clients

The settings of the Java clients (kafka-clients 4.3.1) are taken by their names behind one of four prefixes: ` + "`kafka.`" + ` for all
clients, ` + "`kafka.admin.`, `kafka.producer.`, `kafka.consumer.`" + ` for one; the specific one wins. Values are read by the rules of the Java
clients, and what those refuse is refused in the same words. References to config providers, ` + "`${provider:path:key}`" + `, are
resolved before that, in these settings only. Where such a reference in ` + "`ssl.*`, `sasl.*` or `security.*`" + ` points into a file or a
directory, the file is watched, and new connections use what it says then; a file that cannot be used changes nothing but the
log. The same holds for the files that settings name themselves. A mounted Secret of Kubernetes is followed in this way, unless
it is mounted by ` + "`subPath`" + `.

A record is sent as a batch with its neighbors; a batch has no size to aim at, and ` + "`max.request.size`" + ` bounds it. A topic whose
` + "`max.message.bytes`" + ` is lower needs a ` + "`max.request.size`" + ` as low.
`

const optionText = `
### Taken

The last column says where a setting does not do exactly what it does in Java.

`

const noEffectText = `
### Without effect

A start with one of these set to something else than its default goes on with a warning.

`

const refusedText = `
### Refused

A start with one of these set is refused, unless the value asks for what is done anyway.

`
