package javaregex

// unit is one character of a pattern after quotation has been resolved.
type unit struct {
	char rune
	// literal characters stood between \Q and \E and mean themselves.
	literal bool
	// at is the character's position in the pattern.
	at int
}

// unquote splits a pattern into characters and resolves \Q…\E, which Java does
// before it looks at anything else: a quantifier behind \E belongs to the last
// quoted character, and an empty quotation leaves no trace. A quotation without
// end reaches to the end of the pattern.
func unquote(pattern string) []unit {
	runes := []rune(pattern)
	units := make([]unit, 0, len(runes))
	quoted := false
	for i := 0; i < len(runes); i++ {
		escape := runes[i] == '\\' && i+1 < len(runes)
		switch {
		case quoted && escape && runes[i+1] == 'E':
			quoted = false
			i++
		case quoted:
			units = append(units, unit{runes[i], true, i})
		case escape && runes[i+1] == 'Q':
			quoted = true
			i++
		case escape:
			units = append(units, unit{runes[i], false, i}, unit{runes[i+1], false, i + 1})
			i++
		default:
			units = append(units, unit{runes[i], false, i})
		}
	}
	return units
}
