package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// newSecret is a fresh token or key of at least 128 bits.
func newSecret() string {
	return rand.Text() + rand.Text()
}

// digest is what is stored of a secret. It is random already, so a plain hash is enough.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
