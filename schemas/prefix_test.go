package schemas_test

import (
	"net/netip"
	"slices"
	"testing"

	"detour/schemas"
)

func TestSubjects(t *testing.T) {
	for _, tt := range []struct {
		first string
		bits  uint8
		want  string // "" = refused
	}{
		{"192.0.2.1", 0, "192.0.2.1"},
		{"192.0.2.0", 0, "192.0.2.0"},
		{"192.0.2.0", 24, "192.0.2.0/24"},
		{"2001:db8::", 48, "2001:db8::/48"},
		{"2001:db8::", 0, "2001:db8::"},
		{"192.0.2.1", 24, ""},
		{"192.0.0.0", 16, ""},
		{"192.0.2.0", 32, ""},
		{"192.0.2.0", 48, ""},
		{"2001:db8::1", 48, ""},
		{"2001:db8::", 24, ""},
		{"2001:db8::", 128, ""},
		{"::ffff:192.0.2.0", 24, ""},
		{"::ffff:192.0.2.1", 0, ""},
		{"fe80::1%eth0", 0, ""},
	} {
		first := netip.MustParseAddr(tt.first)
		err := schemas.CheckSubject(first, tt.bits)
		if (err == nil) != (tt.want != "") {
			t.Errorf("%s with %d bits: %v", tt.first, tt.bits, err)
		}
		if err == nil && schemas.SubjectText(schemas.Subject(first, tt.bits)) != tt.want {
			t.Errorf("%s with %d bits is %s", tt.first, tt.bits, schemas.Subject(first, tt.bits))
		}
	}
	if schemas.CheckSubject(netip.Addr{}, 0) == nil || schemas.CheckSubject(netip.Addr{}, 24) == nil {
		t.Error("no address is a subject")
	}
}

func TestAPrefixComesBeforeWhatItCovers(t *testing.T) {
	type subject struct {
		first string
		bits  uint8
	}
	want := []subject{
		{"10.0.0.255", 0}, {"10.0.1.0", 24}, {"10.0.1.0", 0}, {"10.0.1.7", 0}, {"10.0.2.0", 24}, {"2001:db8::", 48}, {"2001:db8::", 0},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, func(a, b subject) int {
		return schemas.CompareSubjects(netip.MustParseAddr(a.first), a.bits, netip.MustParseAddr(b.first), b.bits)
	})
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
