package repository

import (
	"context"
	"iter"
)

// List walks the blobs that follow a key in the store's own stable order, all of
// them for the empty key. It reads as it goes; an error ends the walk. A blob made
// or discarded meanwhile may be listed or not.
func (s *Store) List(ctx context.Context, after string) iter.Seq2[Info, error] {
	if after != "" && !keyGrammar.MatchString(after) {
		return refuseKey
	}
	return blobs(s.back.list(ctx, after))
}

// Under walks the blobs of one epoch prefix, those that Create put there, in no
// particular order: what a submission that did not end left behind.
func (s *Store) Under(ctx context.Context, epochPrefix string) iter.Seq2[Info, error] {
	if !prefixGrammar.MatchString(epochPrefix) {
		return refuseKey
	}
	return blobs(s.back.under(ctx, epochPrefix))
}

// Everything is List from the beginning with what else lies in the store: files
// or objects that no Create made, named by where they are, with Info.Stray.
func (s *Store) Everything(ctx context.Context) iter.Seq2[Info, error] {
	return s.back.list(ctx, "")
}

func refuseKey(yield func(Info, error) bool) { yield(Info{}, ErrKey) }

// blobs leaves the strays out.
func blobs(all iter.Seq2[Info, error]) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for info, err := range all {
			if !info.Stray && !yield(info, err) {
				return
			}
		}
	}
}
