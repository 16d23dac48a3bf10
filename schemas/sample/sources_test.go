package sample

import "testing"

func TestAForgedNumberOfSourcesIsAnError(t *testing.T) {
	for sources, ok := range map[int]bool{1: true, MaxSources: true, MaxSources + 1: false, 1 << 40: false} {
		b := Batch{Head: Head{Sources: sources, To: 1}}
		value, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(value); (err == nil) != ok {
			t.Errorf("%d sources: %v", sources, err)
		}
	}
}
