package bridgeconfig

const (
	mebibyte = 1 << 20

	// Without a memory limit: 32 bodies of Kafka's default record limit in one request, and four such requests.
	unlimitedBody  = 32 * mebibyte
	unlimitedTotal = 128 * mebibyte

	// What one of each takes, measured and rounded up: a connection with a request running on it, and a consumer that is
	// polled. docs/memory.md adds it all up.
	connectionBytes = 24 << 10
	consumerBytes   = 256 << 10

	// Without a memory limit, and the most with one.
	unlimitedConnections = 16384
	unlimitedConsumers   = 10_000
	// However little memory there is, a probe, an application and its consumer get in.
	fewest = 16
)

// Limits divides a memory limit (bytes; 0 or less: there is none): an eighth for one request body, a quarter for all of
// them, a quarter for fetched records, and as many connections as take an eighth and consumers as take a quarter. What
// is set explicitly wins, and the total is never less than one body.
func (c Config) Limits(memoryLimit int64) Limits {
	l := Limits{
		BodyBytes: unlimitedBody, InflightBytes: unlimitedTotal, FetchBytes: unlimitedTotal,
		Connections: unlimitedConnections, Consumers: unlimitedConsumers,
	}
	if memoryLimit > 0 {
		l = Limits{
			BodyBytes:     max(memoryLimit/8, 1),
			InflightBytes: max(memoryLimit/4, 1),
			FetchBytes:    max(memoryLimit/4, 1),
			Connections:   int(min(max(memoryLimit/8/connectionBytes, fewest), unlimitedConnections)),
			Consumers:     int(min(max(memoryLimit/4/consumerBytes, fewest), unlimitedConsumers)),
		}
	}
	body, inflight := c.HTTP.MaxBodyBytes, c.HTTP.MaxInflightBytes
	if body > 0 {
		l.BodyBytes = body
		l.InflightBytes = max(l.InflightBytes, body)
	}
	if inflight > 0 {
		l.InflightBytes = inflight
		l.BodyBytes = min(l.BodyBytes, inflight)
	}
	if c.HTTP.MaxConnections > 0 {
		l.Connections = c.HTTP.MaxConnections
	}
	if c.Consumers.Max > 0 {
		l.Consumers = c.Consumers.Max
	}
	return l
}

// PoolSize returns how many operations the executor metrics report as running at once at most: what is set, or as many
// as the reference bridge takes for the number of processors.
func (c Config) PoolSize(cpus int) int {
	if c.ExecutorPool > 0 {
		return c.ExecutorPool
	}
	return max(4, 2*cpus)
}
