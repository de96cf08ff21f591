// Command coredns is CoreDNS with the plugins that the lab's Corefile names.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() {
	// The order in which a query passes the plugins; the stock list names dozens that aren't here.
	dnsserver.Directives = []string{"ready", "errors", "kubernetes"}
	coremain.Run()
}
