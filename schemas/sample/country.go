package sample

import "fmt"

// Country is an ISO 3166-1 alpha-2 code as its two ASCII bytes, first one high; 0 = unknown.
type Country uint16

// ParseCountry reads two letters of either case; "" is unknown.
func ParseCountry(s string) (Country, error) {
	if s == "" {
		return 0, nil
	}
	if len(s) == 2 && letter(s[0]) && letter(s[1]) {
		return Country(s[0]&^0x20)<<8 | Country(s[1]&^0x20), nil
	}
	return 0, fmt.Errorf("country %.16q is not two letters", s)
}

func letter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }

// String returns the two letters, or "" for unknown.
func (c Country) String() string {
	if c == 0 {
		return ""
	}
	return string([]byte{byte(c >> 8), byte(c)})
}
