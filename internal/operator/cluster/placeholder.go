package cluster

import (
	"fmt"
	"strconv"
	"strings"
)

// fill replaces {nodeId} and {nodePodName} in a template. Other words in braces are refused: they were meant for something.
func fill(template string, n Node) (string, error) {
	out := strings.NewReplacer("{nodeId}", decimal(n.ID), "{nodePodName}", n.Pod).Replace(template)
	if open := strings.IndexByte(out, '{'); open >= 0 {
		word, _, _ := strings.Cut(out[open:], "}")
		return "", fmt.Errorf("%s} is not one of {nodeId} and {nodePodName}", word)
	}
	return out, nil
}

// maxExpression bounds the length of a port template, and so the depth of what it says.
const maxExpression = 200

// evaluatePort computes a port template: numbers and {nodeId} with +, - and *, parentheses and blanks; * goes before + and -.
func evaluatePort(template string, id int32) (int32, error) {
	if len(template) > maxExpression {
		return 0, fmt.Errorf("has %d characters, and %d are allowed", len(template), maxExpression)
	}
	e := expression{text: strings.ReplaceAll(template, "{nodeId}", " "+decimal(id)+" ")}
	value, err := e.sum()
	if err != nil {
		return 0, err
	}
	if e.peek(); e.at < len(e.text) {
		return 0, fmt.Errorf("%q is where an operator or the end was expected", e.text[e.at:])
	}
	if value < 1 || value > 65535 {
		return 0, fmt.Errorf("is %d for node %d, which is no port from 1 to 65535", value, id)
	}
	return int32(value), nil
}

// expression is a text that is read from the left, by recursive descent.
type expression struct {
	text string
	at   int
}

// maxValue bounds all values on the way, so that none overflows: the product of two is below 2^63.
const maxValue = 1 << 31

// peek skips blanks and returns the next byte, 0 at the end (and for a byte that is 0, which no operator is).
func (e *expression) peek() byte {
	for e.at < len(e.text) && e.text[e.at] == ' ' {
		e.at++
	}
	if e.at == len(e.text) {
		return 0
	}
	return e.text[e.at]
}

// sum is products with + and - between them.
func (e *expression) sum() (int64, error) {
	value, err := e.product()
	for err == nil {
		operator := e.peek()
		if operator != '+' && operator != '-' {
			return value, nil
		}
		e.at++
		var next int64
		if next, err = e.product(); operator == '-' {
			next = -next
		}
		value += next
		err = bounded(value, err)
	}
	return 0, err
}

// product is terms with * between them.
func (e *expression) product() (int64, error) {
	value, err := e.term()
	for err == nil {
		if e.peek() != '*' {
			return value, nil
		}
		e.at++
		var next int64
		next, err = e.term()
		value *= next
		err = bounded(value, err)
	}
	return 0, err
}

// term is a number, perhaps with a sign, or a sum in parentheses.
func (e *expression) term() (int64, error) {
	switch c := e.peek(); {
	case c == '(':
		e.at++
		value, err := e.sum()
		if err == nil && e.peek() != ')' {
			return 0, fmt.Errorf("a ) is missing")
		}
		e.at++
		return value, err
	case c == '-':
		e.at++
		value, err := e.term()
		return -value, err
	case c >= '0' && c <= '9':
		return e.number()
	case c == 0:
		return 0, fmt.Errorf("a number is missing at the end")
	}
	return 0, fmt.Errorf("%q is where a number, {nodeId} or ( was expected", e.text[e.at:])
}

// number is digits.
func (e *expression) number() (int64, error) {
	start := e.at
	for e.at < len(e.text) && e.text[e.at] >= '0' && e.text[e.at] <= '9' {
		e.at++
	}
	value, err := strconv.ParseInt(e.text[start:e.at], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is too large", e.text[start:e.at])
	}
	return value, bounded(value, nil)
}

func bounded(value int64, err error) error {
	if err == nil && (value > maxValue || value < -maxValue) {
		return fmt.Errorf("has a value beyond %d on the way", maxValue)
	}
	return err
}
