package javaregex

import (
	"strings"
	"unicode"
)

// shorthand returns the set of an escape such as \d: ASCII unless Java says
// otherwise. Go's \s lacks the vertical tab.
func shorthand(c rune) *set {
	switch c {
	case 'd', 'D':
		return &set{spans: []span{{'0', '9'}}, negated: c == 'D'}
	case 's', 'S':
		return &set{spans: whitespace(), negated: c == 'S'}
	case 'w', 'W':
		return &set{spans: append(alphanumeric(), span{'_', '_'}), negated: c == 'W'}
	case 'h', 'H':
		return &set{spans: []span{
			{'\t', '\t'},
			{' ', ' '},
			{0xA0, 0xA0},
			{0x1680, 0x1680},
			{0x180E, 0x180E},
			{0x2000, 0x200A},
			{0x202F, 0x202F},
			{0x205F, 0x205F},
			{0x3000, 0x3000},
		}, negated: c == 'H'}
	default:
		return &set{spans: []span{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}}, negated: c == 'V'}
	}
}

func whitespace() []span { return []span{{'\t', '\r'}, {' ', ' '}} }

func alphanumeric() []span { return []span{{'0', '9'}, {'A', 'Z'}, {'a', 'z'}} }

// property reads \pL, \p{Name} or the same with P.
func (p *parser) property() (*set, error) {
	from := p.at()
	negated := p.peekAt(1) == 'P'
	p.i += 2
	name, ok := p.propertyName()
	if !ok {
		return nil, &SyntaxError{Reason: "unclosed or empty character property", Position: from}
	}
	s := lookup(name)
	if s == nil {
		return nil, &UnsupportedError{Construct: "character property {" + name + "}", Position: from}
	}
	s.negated = negated
	if p.flags.fold {
		s.foldCase()
	}
	return s, nil
}

// foldCase lets a property of one case stand for all, as it does under (?i). It
// comes before any negation.
func (s *set) foldCase() {
	s.spans = folded(s.spans)
	for i, t := range s.tables {
		if t == `\p{Lu}` || t == `\p{Ll}` || t == `\p{Lt}` {
			s.tables[i] = `\p{LC}`
		}
	}
}

// propertyName reads one letter or a name in braces.
func (p *parser) propertyName() (string, bool) {
	if p.end() {
		return "", false
	}
	if !p.accept("{") {
		c := p.in[p.i].char
		p.i++
		return string(c), true
	}
	name := ""
	for !p.accept("}") {
		if p.end() {
			return "", false
		}
		name += string(p.in[p.i].char)
		p.i++
	}
	return name, name != ""
}

// lookup returns the set of a property, nil for one that is unknown, here or in
// Java: blocks, and the binary properties that no category comes near.
func lookup(name string) *set {
	if key, value, ok := strings.Cut(name, "="); ok {
		switch strings.ToLower(key) {
		case "gc", "general_category":
			return category(value)
		case "sc", "script":
			return script(value)
		}
		return nil
	}
	if s := posix(name); s != nil {
		return s
	}
	if method, ok := strings.CutPrefix(name, "java"); ok {
		return javaMethod(method)
	}
	if binary, ok := strings.CutPrefix(name, "Is"); ok {
		if s := binaryProperty(strings.ToLower(binary)); s != nil {
			return s
		}
		if s := category(binary); s != nil {
			return s
		}
		return script(binary)
	}
	return category(name)
}

// posix returns the POSIX classes, which are ASCII only in Java.
func posix(name string) *set {
	switch name {
	case "Lower":
		return &set{spans: []span{{'a', 'z'}}}
	case "Upper":
		return &set{spans: []span{{'A', 'Z'}}}
	case "ASCII":
		return &set{spans: []span{{0, 0x7F}}}
	case "Alpha":
		return &set{spans: []span{{'A', 'Z'}, {'a', 'z'}}}
	case "Digit":
		return &set{spans: []span{{'0', '9'}}}
	case "Alnum":
		return &set{spans: alphanumeric()}
	case "Punct":
		return &set{spans: []span{{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}}
	case "Graph":
		return &set{spans: []span{{'!', '~'}}}
	case "Print":
		return &set{spans: []span{{' ', '~'}}}
	case "Blank":
		return &set{spans: []span{{'\t', '\t'}, {' ', ' '}}}
	case "Cntrl":
		return &set{spans: []span{{0, 0x1F}, {0x7F, 0x7F}}}
	case "XDigit":
		return &set{spans: []span{{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}
	case "Space":
		return &set{spans: whitespace()}
	}
	return nil
}

// javaMethod returns the sets of the java.lang.Character methods that a general
// category answers, by the method's name without "is".
func javaMethod(name string) *set {
	switch name {
	case "LowerCase", "UpperCase", "TitleCase", "Alphabetic", "Digit", "Letter":
		return binaryProperty(strings.ToLower(name))
	case "LetterOrDigit":
		return &set{tables: []string{`\p{L}`, `\p{Nd}`}}
	case "SpaceChar":
		return &set{tables: []string{`\p{Z}`}}
	case "ISOControl":
		return &set{tables: []string{`\p{Cc}`}}
	case "Whitespace":
		// The separators but for those that do not break a line.
		return &set{spans: append(whitespace(), []span{
			{0x1C, 0x1F},
			{0x1680, 0x1680},
			{0x2000, 0x2006},
			{0x2008, 0x200A},
			{0x2028, 0x2029},
			{0x205F, 0x205F},
			{0x3000, 0x3000},
		}...)}
	}
	return nil
}

// binaryProperty returns the binary properties that general categories come near
// to, by lower-case name.
func binaryProperty(name string) *set {
	switch name {
	case "alphabetic":
		return &set{tables: []string{`\p{L}`, `\p{Nl}`}}
	case "letter":
		return &set{tables: []string{`\p{L}`}}
	case "lowercase":
		return &set{tables: []string{`\p{Ll}`}}
	case "uppercase":
		return &set{tables: []string{`\p{Lu}`}}
	case "titlecase":
		return &set{tables: []string{`\p{Lt}`}}
	case "digit":
		return &set{tables: []string{`\p{Nd}`}}
	case "punctuation":
		return &set{tables: []string{`\p{P}`}}
	case "control":
		return &set{tables: []string{`\p{Cc}`}}
	case "white_space", "whitespace":
		return &set{spans: append(whitespace(), span{0x85, 0x85}), tables: []string{`\p{Z}`}}
	case "hex_digit", "hexdigit":
		return &set{spans: []span{{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}
	}
	return nil
}

// category returns a general category, which has one or two letters.
func category(name string) *set {
	if len(name) > 2 || unicode.Categories[name] == nil {
		return nil
	}
	return &set{tables: []string{`\p{` + name + `}`}}
}

// script returns a script by its full name.
func script(name string) *set {
	if len(name) <= 2 || unicode.Scripts[name] == nil {
		return nil
	}
	return &set{tables: []string{`\p{` + name + `}`}}
}
