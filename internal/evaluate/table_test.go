package evaluate

import "testing"

func TestNumbersOfATable(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{percent(1)(0.12345), "12.3 %"},
		{percent(1)(-0.00001), "0.0 %"},
		{percent(3)(0.00001), "0.001 %"},
		{plain(0)(24.5), "25"},
		{plain(1)(-1.26), "-1.3"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}
