package posterior

// Kinship says how alike the members of a group are. With probability Apart a member has nothing to do with the group,
// and its ratio is anything that occurs in its country (the base); else it is near the group's own ratio: a step of the
// grid further is Spread times as likely.
type Kinship struct{ Apart, Spread float64 }

// near smooths b by a two-sided geometric kernel, which is its own transpose.
func (k Kinship) near(out, b *Belief) {
	var up, down float64
	var ups Belief
	for i := range out { // both directions at once: each step of a recursion waits for the one before
		j := Size - 1 - i
		ups[i] = up // without b[i] itself, which down brings
		up = float64((up + b[i]) * k.Spread)
		down = float64(down*k.Spread) + b[j]
		out[j] = down
	}
	scale := (1 - k.Spread) / (1 + k.Spread)
	for i := range out {
		out[i] = float64((out[i] + ups[i]) * scale)
	}
}

// Above turns a member's likelihood into what it says of the group.
func (k Kinship) Above(out, member, base *Belief) {
	k.near(out, member)
	far := float64(k.Apart * dot(base, member))
	for i := range out {
		out[i] = float64((1-k.Apart)*out[i]) + far
	}
}

// below turns what is believed of the group, up to a factor, into what that says of one more member, to the same factor
// but for what the grid's ends cut off.
func (k Kinship) below(out, group, base *Belief) {
	k.near(out, group)
	far := float64(k.Apart * group.Sum())
	for i := range out {
		out[i] = float64((1-k.Apart)*out[i]) + float64(far*base[i])
	}
}

// floor keeps a likelihood from ruling anything out: a cell that no request speaks for is still this likely, relative to
// the best one. It also keeps quotients of messages defined.
const floor = 1e-7
