package kafkaconf

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/steg-kafka/steg/internal/properties"
)

// Hash returns 16 hexadecimal digits that differ, but for an accident, when two configurations do. It is a name for a
// configuration, not a protection of it.
func Hash(config map[string]string) string {
	sum := sha256.Sum256([]byte(properties.Text(config)))
	return hex.EncodeToString(sum[:8])
}
