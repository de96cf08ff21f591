// Package credentials is the key material of the bridge: what it shows to Kafka and to its own HTTP clients, and what it
// believes of others. It reads trust stores, key stores, certificates and tokens, turns them into dialers, SASL mechanisms
// and server configurations, and exchanges them while the process runs: files are watched, tokens are renewed, and a
// connection that is already open keeps what it was opened with.
//
// The package does not interpret settings (packages kafka and bridgeconfig do) and opens no Kafka client. It never reads
// the process's environment or clock by itself, both are given to it. Texts that it returns or logs name settings, files,
// hosts and status codes, never the content of a key, a password or a token.
package credentials
