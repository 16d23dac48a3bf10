package evaluate

import (
	"testing"

	"detour/schemas/control"
)

// TestLongWorldsHaveAValidPolicy: thousands of slices of a matrix are more panes than a policy may wait for a snapshot.
func TestLongWorldsHaveAValidPolicy(t *testing.T) {
	for _, panes := range []int{1, 2, 60, maxSnapshot, maxSnapshot + 2, 1_000_000} {
		policy := control.DefaultPolicy()
		lastTick(&policy, &Layout{Panes: panes})
		if err := policy.Validate(); err != nil {
			t.Errorf("%d panes: %v", panes, err)
		}
	}
}
