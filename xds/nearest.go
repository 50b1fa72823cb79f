package xds

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest are up to n of the known words that somebody who wrote word may have
// meant, nearest first; none when nothing comes close.
func Nearest(word string, known []string, n int) []string {
	word = strings.ToLower(word)
	type candidate struct {
		word  string
		score int
	}
	var all []candidate
	for _, k := range known {
		score := Distance(word, strings.ToLower(k))
		if word != "" && strings.Contains(strings.ToLower(k), word) {
			score = min(score, 1)
		}
		if len(k) <= 2*len(word) && within(word, strings.ToLower(k)) {
			score = min(score, 2)
		}
		if score <= max(2, len(word)/2) {
			all = append(all, candidate{k, score})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.score, b.score) })
	var nearest []string
	for _, c := range all[:min(n, len(all))] {
		nearest = append(nearest, c.word)
	}
	return nearest
}

// within tells whether a word is another with letters left out.
func within(word, other string) bool {
	for i := range len(word) {
		at := strings.IndexByte(other, word[i])
		if at < 0 {
			return false
		}
		other = other[at+1:]
	}
	return true
}

// Distance is the number of bytes to insert, delete or replace to make one word of
// the other. Its cost is the product of their lengths: callers bound them.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
