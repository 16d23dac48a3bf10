package evaluate

import (
	"bytes"
	"encoding/json"
)

// Report is what was found on one kind of world.
type Report struct {
	World   string
	Seeds   int
	First   uint64 // seed
	Results []*Result
	Parts   []*Report // of a report on several kinds: these
}

// Join returns a report on several kinds of worlds: its figures are means over all of them.
func Join(parts []*Report) *Report {
	out := &Report{Seeds: parts[0].Seeds, First: parts[0].First, Parts: parts}
	for i, p := range parts {
		if i > 0 {
			out.World += ","
		}
		out.World += p.World
		out.Results = append(out.Results, p.Results...)
	}
	return out
}

// runs is how many a world had, in the mean.
func (r *Report) runs() (n int64) {
	for _, one := range r.Results {
		n += one.Runs
	}
	return n / int64(len(r.Results))
}

// MarshalJSON implements json.Marshaler: the policy's figures and each baseline's, means over seeds, in a fixed order.
func (r *Report) MarshalJSON() ([]byte, error) {
	all := Summarise(r.Results)
	policy := figuresJSON{summary: all[Policy], levels: levelsJSON(r.Results), reasons: reasons(r.Results)}
	delete(all, Policy)
	others := make(map[string]figuresJSON, len(all))
	for name, s := range all {
		others[name] = figuresJSON{summary: s}
	}
	return json.Marshal(struct {
		World     string                 `json:"world"`
		Seeds     int                    `json:"seeds"`
		First     uint64                 `json:"first_seed"`
		Runs      int64                  `json:"runs"`
		Policy    figuresJSON            `json:"policy"`
		Baselines map[string]figuresJSON `json:"baselines"`
		Worlds    []*Report              `json:"worlds,omitempty"`
	}{r.World, r.Seeds, r.First, r.runs(), policy, others, r.Parts})
}

// figuresJSON is one rule.
type figuresJSON struct {
	summary *Summary
	levels  map[string]levelJSON
	reasons map[string]float64
}

// MarshalJSON implements json.Marshaler.
func (f figuresJSON) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	put := func(name string, v any) error {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(v)
		b.WriteString(`"` + name + `":`)
		b.Write(value)
		return err
	}
	for i := range LevelUsers {
		if err := put(i.String(), number(f.summary.Mean[i])); err != nil {
			return nil, err
		}
	}
	spread := make(map[string][2]number)
	for i := range LevelUsers {
		spread[i.String()] = [2]number{number(f.summary.Low[i]), number(f.summary.High[i])}
	}
	if err := put("spread", spread); err != nil {
		return nil, err
	}
	if f.levels != nil {
		if err := put("levels", f.levels); err != nil {
			return nil, err
		}
		if err := put("reasons", f.reasons); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// levelJSON is the policy at one level of evidence.
type levelJSON map[string]number

func levelsJSON(results []*Result) map[string]levelJSON {
	out := make(map[string]levelJSON)
	for level, s := range levels(results) {
		out[level] = make(levelJSON)
		for _, f := range levelFigures {
			out[level][f.String()] = number(s.Mean[f])
		}
	}
	return out
}
