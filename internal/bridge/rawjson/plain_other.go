//go:build !amd64

package rawjson

const (
	vectorLen = 0
	hasVector = false
)

func skipVector([]byte) int { return 0 }
