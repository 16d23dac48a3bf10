package kafkalog

import (
	"context"
	"net"
	"testing"

	"detour/internal/dataflow"
	"detour/schemas"
)

// groupLooks has a group looked at from outside while members come and go.
func groupLooks(t *testing.T, newLog func(testing.TB, int) *Client) {
	const partitions = 3
	c, ctx := newLog(t, partitions), bounded(t)
	group := c.names.Prefix + "-looked-at"
	members := func(n int) func() bool {
		return func() bool {
			info, err := c.GroupInfo(ctx, group)
			if err != nil {
				t.Fatal(err)
			}
			assigned := 0
			for _, m := range info.Members {
				if net.ParseIP(m.Host) == nil {
					t.Errorf("a member at no address: %+v", m)
				}
				assigned += m.Partitions
			}
			return len(info.Members) == n && assigned == min(n, 1)*partitions
		}
	}
	if !members(0)() {
		t.Error("a group that never was has members")
	}
	none, err := c.Positions(ctx, group, schemas.Samples, partitions)
	if err != nil || len(none) != partitions || none[1] != (Position{Offset: -1}) {
		t.Errorf("positions of a group that never was: %v, %v", none, err)
	}
	commit := func(ctx context.Context, a dataflow.Assignment) error {
		if a.Partition.Number != 1 {
			return nil
		}
		return a.Commit(ctx, 7, "seven")
	}
	first := joined(t, c, group, commit)
	eventually(t, "one member with all partitions", members(1))
	second := joined(t, c, group, commit)
	eventually(t, "two members that share them", members(2))
	eventually(t, "the commit", func() bool {
		at, err := c.Positions(ctx, group, schemas.Samples, partitions)
		if err != nil {
			t.Fatal(err)
		}
		return at[1] == Position{7, "seven"} && at[0].Offset == -1 && at[2].Offset == -1
	})
	if err := first(); err != nil {
		t.Error(err)
	}
	if err := second(); err != nil {
		t.Error(err)
	}
	eventually(t, "nobody is left", members(0))
}

// offsetsByTime finds records by their time.
func offsetsByTime(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	for _, ms := range []int64{1_700_000_000_000, 1_700_000_060_000, 1_700_000_120_000} {
		if _, err := c.Append(ctx, p0, []schemas.Record{{Time: ms, Value: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
	}
	for ms, want := range map[int64]int64{
		1_600_000_000_000: 0, 1_700_000_000_000: 0, 1_700_000_000_001: 1, 1_700_000_120_000: 2, 1_700_000_120_001: 3,
	} {
		if got, err := c.OffsetAt(ctx, p0, ms); err != nil || got != want {
			t.Errorf("at %d: offset %d, %v; it is %d", ms, got, err, want)
		}
	}
}
