package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"time"

	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// maxDevices bounds the browsers that an account is known by: the oldest are forgotten.
const maxDevices = 50

// Recognise tells whether an account was signed in to from a browser before, by one of the
// secrets in its cookie, and whether it was from any.
func Recognise(ctx context.Context, h db.Handle, account string, secrets []string, now time.Time) (known, any bool, err error) {
	digests := [][]byte{}
	for _, one := range secrets {
		digests = append(digests, deviceDigest(one))
	}
	tag, err := db.On(h).Exec(ctx, `update account_device set seen_at = $3 where account = $1 and token = any($2)`, account, digests, now)
	if err != nil || tag.RowsAffected() > 0 {
		return err == nil, true, err
	}
	err = db.On(h).QueryRow(ctx, `select exists (select from account_device where account = $1)`, account).Scan(&any)
	return false, any, err
}

// Remember makes a browser one that is known, and gives the secret for its cookie.
func Remember(ctx context.Context, h db.Handle, account string, now time.Time) (secret string, err error) {
	secret = rand.Text()
	_, err = db.On(h).Exec(ctx, `insert into account_device (account, token, first_at, seen_at) values ($1, $2, $3, $3)`, account, deviceDigest(secret), now)
	if err != nil {
		return "", err
	}
	_, err = db.On(h).Exec(ctx, `delete from account_device where account = $1 and token not in
(select token from account_device where account = $1 order by seen_at desc limit $2)`, account, maxDevices)
	return secret, err
}

func deviceDigest(secret string) []byte {
	sum := sha256.Sum256([]byte("passerelle device " + secret))
	return sum[:]
}
