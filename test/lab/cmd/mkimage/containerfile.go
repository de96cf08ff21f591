package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"strconv"
	"strings"
)

// defaultPath is what a container engine gives an image that sets none.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// recipe is a Containerfile for one platform.
type recipe struct {
	config config
	copies []copying
}

// config is the OCI image configuration's part of the same name.
type config struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	Volumes      map[string]struct{} `json:"Volumes,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
}

// copying is a COPY or ADD: one layer.
type copying struct {
	line     int
	archive  bool // ADD: the source is the layer
	from     []string
	to       string // absolute; with a final slash for "into this folder"
	uid, gid int
	mode     os.FileMode // of files, 0 for 0755 or 0644 by the source's executable bit
}

// parser carries what later lines see of earlier ones.
type parser struct {
	recipe
	vars  map[string]string // of ARG and ENV
	given map[string]string // values that ARG may take
	began bool              // FROM has been seen
}

// parse reads a Containerfile. Errors begin with the line's number.
func parse(text string, p platform, args map[string]string) (*recipe, error) {
	given := map[string]string{"TARGETOS": p.OS, "TARGETARCH": p.Architecture, "TARGETPLATFORM": p.OS + "/" + p.Architecture}
	maps.Copy(given, args)
	s := &parser{recipe: recipe{config: config{Env: []string{defaultPath}, WorkingDir: "/"}}, vars: map[string]string{}, given: given}
	start, whole := 0, ""
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if whole == "" {
			start = i + 1
		}
		part, more := strings.CutSuffix(line, `\`)
		whole += part
		if more {
			continue
		}
		if err := s.instruction(whole, start); err != nil {
			return nil, fmt.Errorf("line %d: %w", start, err)
		}
		whole = ""
	}
	switch {
	case whole != "":
		return nil, fmt.Errorf("line %d: ends with a backslash and nothing follows", start)
	case !s.began:
		return nil, errors.New("no FROM scratch")
	case len(s.copies) == 0:
		return nil, errors.New("nothing is copied into it")
	}
	return &s.recipe, nil
}

// instruction carries out one.
func (s *parser) instruction(text string, line int) error {
	name, rest, _ := strings.Cut(text, " ")
	name, rest = strings.ToUpper(name), strings.TrimSpace(rest)
	if !s.began && name != "FROM" && name != "ARG" {
		return fmt.Errorf("%s before FROM", name)
	}
	if rest == "" {
		return fmt.Errorf("%s of nothing", name)
	}
	switch name {
	case "ENTRYPOINT":
		return execForm(name, rest, &s.config.Entrypoint)
	case "CMD":
		return execForm(name, rest, &s.config.Cmd)
	}
	words, err := split(os.Expand(rest, func(k string) string { return s.vars[k] }))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch name {
	case "FROM":
		return s.from(words)
	case "ARG":
		return s.arg(words)
	case "COPY", "ADD":
		return s.copy(name, words, line)
	case "ENV", "LABEL":
		return s.pairs(name, words)
	default:
		return s.config.set(name, words)
	}
}

// set is for instructions that only describe.
func (c *config) set(name string, words []string) error {
	switch name {
	case "USER":
		c.User = words[0]
	case "WORKDIR":
		if !path.IsAbs(words[0]) {
			words[0] = path.Join(c.WorkingDir, words[0])
		}
		c.WorkingDir = path.Clean(words[0])
	case "EXPOSE":
		c.ExposedPorts = addAll(c.ExposedPorts, ports(words))
	case "VOLUME":
		c.Volumes = addAll(c.Volumes, words)
	default:
		return fmt.Errorf("%s is not known here: nothing is run, and the base is scratch", name)
	}
	return nil
}

func (s *parser) from(words []string) error {
	if s.began {
		return errors.New("a second FROM: there is one stage only")
	}
	if words[0] != "scratch" {
		return fmt.Errorf("FROM %s: only scratch is possible, images can't be pulled", words[0])
	}
	s.began = true
	return nil
}

func (s *parser) arg(words []string) error {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		if given, ok := s.given[name]; ok {
			value = given
		}
		s.vars[name] = value
	}
	return nil
}

func (s *parser) pairs(name string, words []string) error {
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok || k == "" {
			return fmt.Errorf("%s %s: not NAME=VALUE", name, w)
		}
		switch {
		case name == "LABEL" && s.config.Labels == nil:
			s.config.Labels = map[string]string{k: v}
		case name == "LABEL":
			s.config.Labels[k] = v
		default:
			s.vars[k] = v
			s.config.Env = setEnv(s.config.Env, k, v)
		}
	}
	return nil
}

func setEnv(env []string, k, v string) []string {
	for i, e := range env {
		if strings.HasPrefix(e, k+"=") {
			env[i] = k + "=" + v
			return env
		}
	}
	return append(env, k+"="+v)
}

func (s *parser) copy(name string, words []string, line int) error {
	c := copying{line: line, archive: name == "ADD"}
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		if err := c.option(words[0]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		words = words[1:]
	}
	if len(words) < 2 {
		return fmt.Errorf("%s: say what, and where to", name)
	}
	last := len(words) - 1
	c.from, c.to = words[:last], words[last]
	if !path.IsAbs(c.to) {
		return fmt.Errorf("%s: %s is not absolute", name, c.to)
	}
	into := strings.HasSuffix(c.to, "/")
	if len(c.from) > 1 && !into {
		return fmt.Errorf("%s: several files go into a folder: end %s with a slash", name, c.to)
	}
	if c.archive && (len(c.from) > 1 || path.Ext(c.from[0]) != ".tar" || c.to != "/") {
		return errors.New("ADD: only of one FILE.tar, to /")
	}
	if c.to = path.Clean(c.to); into && c.to != "/" {
		c.to += "/"
	}
	s.copies = append(s.copies, c)
	return nil
}

func (c *copying) option(word string) error {
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "--chown":
		user, group, ok := strings.Cut(value, ":")
		uid, errU := strconv.ParseUint(user, 10, 31)
		gid, errG := strconv.ParseUint(group, 10, 31)
		if !ok || errU != nil || errG != nil {
			return fmt.Errorf("%s: say numbers, UID:GID", word)
		}
		c.uid, c.gid = int(uid), int(gid)
	case "--chmod":
		mode, err := strconv.ParseUint(value, 8, 9)
		if err != nil || mode == 0 {
			return fmt.Errorf("%s: say an octal mode, such as 0755", word)
		}
		c.mode = os.FileMode(mode)
	default:
		return fmt.Errorf("%s is not known", word)
	}
	return nil
}

// execForm reads a list of words in JSON: there is no shell in an image from scratch.
func execForm(name, text string, into *[]string) error {
	var words []string
	if err := json.Unmarshal([]byte(text), &words); err != nil || len(words) == 0 {
		return fmt.Errorf(`%s: only a list is possible, such as ["/program", "-flag"]`, name)
	}
	*into = words
	return nil
}

// split cuts at spaces that are not within double quotes, which go.
func split(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, any := false, false
	for _, r := range text {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case !quoted && (r == ' ' || r == '\t'):
			if any {
				words = append(words, word.String())
				word.Reset()
				any = false
			}
		default:
			word.WriteRune(r)
			any = true
		}
	}
	if quoted {
		return nil, errors.New("a quote is not closed")
	}
	if any {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, errors.New("nothing is left of it once variables are replaced")
	}
	return words, nil
}

func ports(words []string) []string {
	var all []string
	for _, w := range words {
		if !strings.Contains(w, "/") {
			w += "/tcp"
		}
		all = append(all, w)
	}
	return all
}

func addAll(set map[string]struct{}, words []string) map[string]struct{} {
	if set == nil {
		set = map[string]struct{}{}
	}
	for _, w := range words {
		set[w] = struct{}{}
	}
	return set
}
