package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Voter is a controller of a static quorum (KIP-595).
type Voter struct {
	ID   int
	Host string
	Port int
}

// Address is HOST:PORT.
func (v Voter) Address() string { return net.JoinHostPort(v.Host, strconv.Itoa(v.Port)) }

// Voters reads controller.quorum.voters: ID@HOST:PORT, separated by commas. There are none if it is not set.
func (s Settings) Voters() ([]Voter, error) {
	const key = "controller.quorum.voters"
	var voters []Voter
	for _, word := range words(s[key]) {
		id, address, _ := strings.Cut(word, "@")
		host, port, errAddress := net.SplitHostPort(address)
		number, errID := strconv.Atoi(id)
		portNumber, errPort := strconv.ParseUint(port, 10, 16)
		if errAddress != nil || errID != nil || errPort != nil || host == "" || number < 0 {
			return nil, fmt.Errorf("%s: %q is not written as ID@HOST:PORT", key, word)
		}
		voters = append(voters, Voter{ID: number, Host: host, Port: int(portNumber)})
	}
	return voters, nil
}
