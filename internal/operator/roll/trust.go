package roll

// Phase is how far the replacement of the cluster CA's key has come.
type Phase int

// The phases. Each ends when all pods show that it is done, and none is skipped.
const (
	// Settled: there is nothing to do. Certificates are of the newest key, and only its certificate is trusted.
	Settled Phase = iota
	// Trusting: pods get the new certificate as one more that they trust. ClusterCAKey is new, certificates stay as they are.
	Trusting
	// Signing: all trust both, and pods get certificates of the new key. ClusterCACert is new.
	Signing
	// Removing: nobody shows a certificate of a former key, so its certificate is taken out of the Secret. Trust is new.
	Removing
)

// String names the phase for logs.
func (p Phase) String() string {
	return [...]string{"settled", "trusting", "signing", "removing"}[p]
}

// TrustPhase says what to render next while the cluster CA has the given generations; former says that its Secret still holds
// certificates of former keys. The marks are those of all wanted pods; one that is missing has those that its pod set, as it
// stands, would make it from. After a mere renewal, which leaves the key, it is Signing until all pods have been rolled.
func TrustPhase(key, cert int64, former bool, pods []Marks) Phase {
	unsigned := false
	for _, m := range pods {
		if m.ClusterCAKey < key {
			return Trusting
		}
		unsigned = unsigned || m.ClusterCACert < cert
	}
	switch {
	case unsigned:
		return Signing
	case former:
		return Removing
	}
	return Settled
}
