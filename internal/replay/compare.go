package replay

import (
	"cmp"
	"context"
	"fmt"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/pathmap"
)

// Published returns the versions that the log's readers took, by number, and the greatest number.
func Published(ctx context.Context, log dataflow.Log) (versions map[int64]*pathmap.Publication, last int64, err error) {
	p := schemas.Partition{Topic: schemas.Maps}
	start, end, err := log.Bounds(ctx, p)
	if err != nil {
		return nil, 0, err
	}
	records, err := dataflow.Range(ctx, log, p, start, end)
	if err != nil {
		return nil, 0, err
	}
	versions = make(map[int64]*pathmap.Publication)
	var chain pathmap.Chain
	for i := range records {
		if v, err := chain.Add(&records[i]); err == nil && v != nil { // what does not belong, no reader took
			versions[v.Manifest.Version], last = v, v.Manifest.Version
		}
	}
	return versions, last, nil
}

// Difference says where a derived version first differs from the published one of the same number; "" if their digests
// agree.
func Difference(derived, published *pathmap.Publication) string {
	if derived.Manifest.Digest == published.Manifest.Digest {
		return ""
	}
	a, errA := derived.Manifest.Open(derived.Bytes)
	b, errB := published.Manifest.Open(published.Bytes)
	if err := cmp.Or(errA, errB); err != nil {
		return err.Error()
	}
	for _, field := range []struct {
		name               string
		derived, published any
	}{{"genesis", a.Genesis, b.Genesis}, {"policy", a.Policy, b.Policy}, {"pane", a.Pane, b.Pane}} {
		if field.derived != field.published {
			return fmt.Sprintf("%s is %v derived, %v published", field.name, field.derived, field.published)
		}
	}
	return firstEntry(a, b)
}

// firstEntry names the first resolver that two maps send differently.
func firstEntry(derived, published *pathmap.Map) string {
	for i, j := 0, 0; i < len(derived.Entries) || j < len(published.Entries); {
		var order int
		switch {
		case i == len(derived.Entries):
			order = 1
		case j == len(published.Entries):
			order = -1
		default:
			order = pathmap.Compare(derived.Entries[i], published.Entries[j])
		}
		e := pathmap.Entry{}
		if order <= 0 {
			e = derived.Entries[i]
			i++
		}
		if order >= 0 {
			e = published.Entries[j]
			j++
		}
		if d, p := derived.Path(e.Resolver), published.Path(e.Resolver); d != p {
			return fmt.Sprintf("resolver %s is on %s derived, on %s published", e.Resolver, derived.Paths[d], published.Paths[p])
		}
	}
	return "their path catalogues differ"
}
