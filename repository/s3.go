package repository

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/passerelle-sante/passerelle/xds"
)

// S3Options say which bucket of which S3-compatible server to use. They hold a
// secret: never log them.
type S3Options struct {
	Endpoint  string // host or host:port
	Bucket    string // must exist
	Region    string // empty: asked of the server
	AccessKey string
	SecretKey string
	Prefix    string // of the names of objects, "" or ending with a slash
	Plain     bool   // http instead of https, for a server on the same machine
	Spool     string // folder of the temporary files, made when absent
	// Transport carries the requests: a private certificate authority, a proxy. nil: the default.
	Transport http.RoundTripper
}

// s3Retries bounds how often one request is sent, first time included.
const s3Retries = 3

// S3 returns a Store over a bucket and checks that the bucket answers. A
// document is spooled to a local temporary file first, then sent as one object
// of known size and digest, under If-None-Match: *. Several servers ignore that
// condition on multipart uploads, and leave the parts of one that was cut off
// where no list shows them; so no upload is multipart, and a document may measure
// 5 GiB at most.
func S3(ctx context.Context, o S3Options) (*Store, error) {
	client, err := minio.NewCore(o.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""),
		Secure: !o.Plain, Region: o.Region, Transport: o.Transport, MaxRetries: s3Retries,
	})
	if err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	if err := os.MkdirAll(o.Spool, 0o700); err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	if err := sweepTemp(o.Spool); err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	there, err := client.BucketExists(ctx, o.Bucket)
	if err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	if !there {
		return nil, fmt.Errorf("repository: le compartiment S3 %q n'existe pas | the S3 bucket does not exist", o.Bucket)
	}
	return newStore(&bucket{client: client, name: o.Bucket, prefix: o.Prefix, spool: o.Spool}), nil
}

// bucket is the back end on an S3 server.
type bucket struct {
	client       *minio.Core
	name, prefix string
	spool        string
}

func (b *bucket) temp() (*os.File, error) { return tempFile(b.spool) }

// put sends the object once complete. The server compares it with the digest in
// the signed header. When an answer is lost and the repeated request meets the
// object that it made itself, the key counts as taken: the caller starts anew and
// the sweeper finds the orphan (safety FM-11). The client does not tell how often it
// sent the request, so that any failure of it is ErrUncertain, a taken key too.
func (b *bucket) put(ctx context.Context, key string, blob *os.File) error {
	h := sha256.New()
	if _, err := blob.Seek(0, io.SeekStart); err != nil {
		return err
	}
	size, err := io.Copy(h, blob)
	if err != nil {
		return err
	}
	// DisableContentSha256 stops the client from signing chunk by chunk over
	// http; the digest of the whole is given instead.
	opts := minio.PutObjectOptions{ContentType: "application/octet-stream", DisableContentSha256: true}
	opts.SetMatchETagExcept("*")
	_, err = b.client.PutObject(ctx, b.name, b.prefix+key, io.NewSectionReader(blob, 0, size), size, "", hex.EncodeToString(h.Sum(nil)), opts)
	return uncertain(meaning(err))
}

func (b *bucket) get(ctx context.Context, key string) (io.ReadCloser, error) {
	body, _, _, err := b.client.GetObject(ctx, b.name, b.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, meaning(err)
	}
	return body, nil
}

func (b *bucket) size(ctx context.Context, key string) (int64, error) {
	o, err := b.client.StatObject(ctx, b.name, b.prefix+key, minio.StatObjectOptions{})
	return o.Size, meaning(err)
}

func (b *bucket) remove(ctx context.Context, key string) error {
	err := meaning(b.client.RemoveObject(ctx, b.name, b.prefix+key, minio.RemoveObjectOptions{}))
	if errors.Is(err, ErrMissing) {
		return nil
	}
	return err
}

func (b *bucket) list(ctx context.Context, after string) iter.Seq2[Info, error] {
	opts := minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}
	if after != "" {
		opts.StartAfter = b.prefix + after
	}
	return b.objects(ctx, opts)
}

func (b *bucket) under(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return b.objects(ctx, minio.ListObjectsOptions{Prefix: b.prefix + prefix + "/"}) // not those of longer prefixes
}

// objects pages through a listing.
func (b *bucket) objects(ctx context.Context, opts minio.ListObjectsOptions) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for o := range b.client.ListObjectsIter(ctx, b.name, opts) {
			if o.Err != nil {
				yield(Info{}, meaning(o.Err))
				return
			}
			if !opts.Recursive && strings.HasSuffix(o.Key, "/") {
				continue // a longer prefix
			}
			key := strings.TrimPrefix(o.Key, b.prefix)
			if !yield(Info{Key: key, Modified: o.LastModified, Stray: !keyGrammar.MatchString(key)}, nil) {
				return
			}
		}
	}
}

// meaning maps the answers of a server that callers tell apart.
func meaning(err error) error {
	if err == nil {
		return nil
	}
	switch answer := minio.ToErrorResponse(err); {
	case answer.Code == minio.NoSuchKey:
		return ErrMissing
	case answer.Code == minio.PreconditionFailed || answer.StatusCode == http.StatusPreconditionFailed:
		return ErrExists
	case answer.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("%w: %w", xds.ErrUnavailable, err)
	}
	var network *url.Error // no answer at all
	if errors.As(err, &network) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", xds.ErrUnavailable, err)
	}
	return err
}

// check asks whether the bucket is there.
func (b *bucket) check(ctx context.Context) error {
	there, err := b.client.BucketExists(ctx, b.name)
	if err == nil && !there {
		err = ErrMissing
	}
	return meaning(err)
}
