package decide

import "detour/schemas/decision"

// epochPanes is how many panes make an epoch, the grain in which evidence ages. Epochs are aligned to absolute time, so
// that none depends on where a machine began.
const epochPanes = 15

// whole is the weight of new evidence: weights are integers in 1/whole.
const whole = decision.RunsOne

// ageing says what evidence weighs: whole in the newest epoch, and 2^(-age / half-life) of it in an older one.
type ageing struct {
	now    int64    // the newest epoch
	weight []uint64 // by age in epochs; what is older is beyond the horizon
}

// weights returns what evidence weighs by its age in epochs of so many panes, to the nearest integer: 64, 60, 57, 54, … for
// a half-life of 12 epochs. An epoch is beyond the window, and weighs nothing any more, once all of its panes are. Both
// lengths are in panes, and are rounded up.
func weights(window, halfLife, width int) []uint64 {
	half := int64((halfLife + width - 1) / width)
	list := make([]uint64, 1+(window+width-2)/width)
	for i := range list {
		age := int64(i)
		left := fading(age%half, half) >> min(age/half, 63)
		list[i] = (left + one/whole/2) / (one / whole)
	}
	return list
}

// age returns how many epochs ago an epoch was, which is told by its last 16 bits.
func (a *ageing) age(epoch uint16) int { return int(uint16(a.now) - epoch) }

// of returns what evidence of an epoch within the horizon weighs.
func (a *ageing) of(epoch uint16) uint64 { return a.weight[a.age(epoch)] }

// over reports whether an epoch is beyond the horizon.
func (a *ageing) over(epoch uint16) bool { return a.age(epoch) >= len(a.weight) }
