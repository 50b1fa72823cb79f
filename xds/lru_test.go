package xds

import "testing"

func TestLRUForgetsTheLeastRecent(t *testing.T) {
	l := NewLRU[string, int](2)
	l.Put("a", 1)
	l.Put("b", 2)
	l.Get("a")
	l.Put("c", 3)
	if _, kept := l.Get("b"); kept {
		t.Error("b is kept beyond the bound")
	}
	l.Put("a", 4)
	for k, want := range map[string]int{"a": 4, "c": 3} {
		if v, ok := l.Get(k); !ok || v != want {
			t.Errorf("%s = %d, %v", k, v, ok)
		}
	}
	if len(l.at) != 2 || l.order.Len() != 2 {
		t.Errorf("%d keys, %d values", len(l.at), l.order.Len())
	}
}
