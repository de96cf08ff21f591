// Package bridgeconfig is the bridge's settings: one table of keys with type, default and meaning; layers of texts
// (file, environment, command line) laid over each other and parsed into one struct; and the way back, so that the
// operator can render what the bridge will parse. The settings of the Kafka clients (kafka.*) pass through it untouched,
// by role; package kafka interprets them.
//
// The package is pure: it reads neither files nor the environment, and it does not log. What it finds is returned.
package bridgeconfig
