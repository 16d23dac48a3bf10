package chunk

import "testing"

func link(number int64, digest, previous string, full bool) Link {
	return Link{Number: number, Digest: digest, Previous: previous, Full: full}
}

func TestChainKeepsTheSameForEveryReader(t *testing.T) {
	type step struct {
		link Link
		want Relation
	}
	for name, steps := range map[string][]step{
		"from the beginning": {
			{link(1, "a", "", true), Restart},
			{link(2, "b", "a", false), Next},
			{link(2, "x", "a", true), Stray},
			{link(3, "c", "x", false), Stray},
			{link(3, "c", "b", false), Next},
			{link(2, "b", "a", true), Stray},
		},
		"two first ones": {
			{link(1, "a", "", true), Restart}, {link(1, "x", "", true), Stray}, {link(2, "y", "x", true), Stray}, {link(2, "b", "a", false), Next},
		},
		"changes before a snapshot": {{link(7, "g", "f", false), Stray}, {link(8, "h", "g", true), Restart}, {link(9, "i", "h", false), Next}},
		"begins with the loser of a race": {
			{link(7, "x", "f", true), Restart},
			{link(8, "h", "g", true), Restart},
			{link(8, "y", "x", true), Stray},
			{link(9, "i", "h", true), Next},
			{link(10, "j", "y", true), Stray},
		},
		"one can't be read": {
			{link(1, "a", "", true), Restart},
			{link(2, "b", "a", true), Next},
			{link(4, "d", "c", false), Stray},
			{link(5, "e", "d", true), Restart},
			{link(6, "f", "e", false), Next},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var c Chain
			for i, s := range steps {
				if got := c.Offer(s.link); got != s.want {
					t.Fatalf("step %d: %+v is %d, want %d", i, s.link, got, s.want)
				}
			}
		})
	}
}

func TestChainIsSureOfItsBeginningOnceItWasExtended(t *testing.T) {
	var c Chain
	for _, s := range []struct {
		link Link
		sure bool
	}{{link(7, "x", "f", true), false}, {link(8, "h", "g", true), false}, {link(9, "i", "h", false), true}, {link(11, "k", "j", true), true}} {
		if c.Offer(s.link); c.Sure() != s.sure || c.Last() != s.link {
			t.Errorf("after %+v it is sure %t of %+v", s.link, c.Sure(), c.Last())
		}
	}
	middle := ChainFromTheMiddle()
	if middle.Offer(link(1, "x", "", true)); middle.Sure() {
		t.Error("a reader in the middle of a log is sure of a first whole, which may be the loser of a race")
	}
	var beginning Chain
	if beginning.Offer(link(1, "a", "", true)); !beginning.Sure() {
		t.Error("a reader from the beginning is not sure of the first whole")
	}
	resumed := ChainFrom(link(7, "g", "f", false))
	if got := resumed.Offer(link(8, "x", "other", true)); got != Stray {
		t.Errorf("a reader that resumed takes the loser of a race: %d", got)
	}
}
