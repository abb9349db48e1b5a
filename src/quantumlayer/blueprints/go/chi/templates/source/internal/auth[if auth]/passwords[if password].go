package auth

import "github.com/alexedwards/argon2id"

// Hashing says how much work a password is worth, as OWASP advises. Tests need not wait for it.
var Hashing = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

const nobody = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$3gjZQ8RrKqoJ2B8gqjDQ7MFIdxIY3ZyD5q3iJ0u6Rlg"

// HashPassword is what is stored of a password.
func HashPassword(password string) (string, error) {
	return argon2id.CreateHash(password, Hashing)
}

// Matches tells whether it is the password; it takes as long where there is no account.
func Matches(stored *string, password string) bool {
	hash := nobody
	if stored != nil {
		hash = *stored
	}
	matches, err := argon2id.ComparePasswordAndHash(password, hash)
	return err == nil && matches && stored != nil
}
