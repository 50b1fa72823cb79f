package signin

import "testing"

// The number of the social security, as people type it; its key may be left out.
func TestNumber(t *testing.T) {
	for typed, want := range map[string]string{
		"2 93 03 59 999 011 95": "293035999901195", "2930359999011": "293035999901195", "2 93 03 2A 999 011": "293032A99901111", "293032b999011": "293032B99901138",
		"1-64-08-59-999-002": "164085999900206", "": "", "12": "", "29303599990119": "", "2930359999011951": "", "29303C9999011": "", "deux cent": "",
	} {
		if got := number(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
