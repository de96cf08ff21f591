package model

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// ConfigHash names the generation of what a sidecar takes from its KafkaBridge: settings, mounted Secrets by their names,
// environment, resources, probes and the image if the KafkaBridge names one. It is 16 hexadecimal digits. The operator's own
// default image and the content of Secrets are not in it: neither is a change of the KafkaBridge, and the second is read
// again by the running bridge.
func (b Bridge) ConfigHash() string {
	return digest(struct {
		Settings            map[string]string
		Volumes             []Volume
		Mounts              []corev1.VolumeMount
		Extra               []corev1.Volume
		Env                 []corev1.EnvVar
		Resources           corev1.ResourceRequirements
		Liveness, Readiness v1.Probe
		Image               string
	}{b.settings, b.Volumes, b.Mounts, b.Extra, b.Env, b.Resources, b.Liveness, b.Readiness, b.image})
}

// DeploymentHash is ConfigHash with the settings that only deployed bridges have: those of the API's port and certificate.
func (b Bridge) DeploymentHash() string { return digest([]any{b.ConfigHash(), b.api}) }

// HashSecret returns what may be kept of a secret value to see that it has changed. The Secret's UID is mixed in: equal
// passwords do not look equal, and who reads the hash on a pod, but may not read the Secret, can't try passwords on it.
func HashSecret(secret types.UID, value []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(value)
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// authHash is one text for all SecretHashes of Secrets that the bridge needs.
func (b *bridgeBuilder) authHash() string {
	relevant := map[string]string{}
	for _, s := range BridgeSecrets(b.in.Bridge) {
		for _, key := range s.Rolls {
			if hash, ok := b.in.SecretHashes[s.Secret+"/"+key]; ok {
				relevant[s.Secret+"/"+key] = hash
			}
		}
	}
	if len(relevant) == 0 {
		return ""
	}
	return digest(relevant)
}

// digest is a hash of a value's JSON, whose maps are sorted.
func digest(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // the types hold nothing that JSON has no form for
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
