package javaregex

import "fmt"

// group reads a parenthesis and what it encloses. Groups need not capture, so
// that named and numbered ones become plain ones. The second result is false for
// a lone modifier such as (?i), which no quantifier may follow.
func (p *parser) group() (fragment, bool, error) {
	from, outer := p.at(), p.flags
	p.i++
	if p.accept("?") {
		closed, err := p.special(from)
		if err != nil || closed {
			return fragment{}, false, err
		}
	}
	inner, err := p.alternatives()
	if err != nil {
		return fragment{}, false, err
	}
	if !p.accept(")") {
		return fragment{}, false, &SyntaxError{Reason: "unclosed group", Position: from}
	}
	p.flags = outer
	return fragment{"(?:" + inner.text + ")", inner.size + 1}, true, nil
}

// special reads what makes a group begin with (? and says whether the group ends
// with that.
func (p *parser) special(from int) (closed bool, err error) {
	unsupported := func(construct string) (bool, error) {
		return false, &UnsupportedError{Construct: construct, Position: from}
	}
	switch {
	case p.accept(":"):
		return false, nil
	case p.accept("="), p.accept("!"):
		return unsupported("look-ahead")
	case p.accept("<="), p.accept("<!"):
		return unsupported("look-behind")
	case p.accept(">"):
		return unsupported("atomic group")
	case p.accept("<"):
		return false, p.groupName(from)
	default:
		return p.modifiers(from)
	}
}

// groupName reads a name up to the closing angle bracket.
func (p *parser) groupName(from int) error {
	name := ""
	for c := p.peek(); isLetter(c) || name != "" && isDigit(c); c = p.peek() {
		name += string(c)
		p.i++
	}
	if name == "" || !p.accept(">") {
		return &SyntaxError{Reason: "bad name of a group", Position: from}
	}
	if p.groups[name] {
		return &SyntaxError{Reason: fmt.Sprintf("second group named %q", name), Position: from}
	}
	p.groups[name] = true
	return nil
}

// modifiers reads (?ims-ims) or the head of (?ims-ims:…). They hold to the end
// of the enclosing group, or of their own.
func (p *parser) modifiers(from int) (closed bool, err error) {
	on := true
	for {
		at := p.at()
		c := p.peek()
		switch c {
		case 'i':
			p.flags.fold = on
		case 'm':
			p.flags.multiline = on
		case 's':
			p.flags.dotAll = on
		case 'd', 'u', 'x', 'U':
			return false, &UnsupportedError{Construct: fmt.Sprintf("modifier (?%c)", c), Position: at}
		case '-':
			if !on {
				return false, &SyntaxError{Reason: "unknown modifier", Position: at}
			}
			on = false
		case ')', ':':
			p.i++
			return c == ')', nil
		default:
			if p.end() {
				return false, &SyntaxError{Reason: "unclosed group", Position: from}
			}
			return false, &SyntaxError{Reason: "unknown modifier", Position: at}
		}
		p.i++
	}
}

func isLetter(c rune) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c rune) bool { return '0' <= c && c <= '9' }
