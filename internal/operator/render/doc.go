// Package render computes the objects that are wanted for a resource: apply configurations with exactly the fields that the
// operator decides about, so that a server-side apply leaves everything else to others. It decides nothing about what the
// user said (package model does), and knows nothing of what exists (package apply does).
//
// The package is pure: the same value gives the same objects, in the same order.
package render
