package evaluate

import (
	"bytes"
	"encoding/json"
	"strings"
)

// keysOf lists the keys of a JSON object in their order, each below what holds it; null values are marked.
func keysOf(text []byte, depth int) (keys []string, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	open, err := dec.Token()
	if err != nil {
		return nil, err
	}
	for open == json.Delim('{') && dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		name := strings.Repeat("  ", depth) + key.(string)
		if string(value) == "null" {
			name += " null"
		}
		keys = append(keys, name)
		if key == "levels" || key == "reasons" || key == "spread" || value[0] != '{' {
			continue
		}
		below, err := keysOf(value, depth+1)
		if err != nil {
			return nil, err
		}
		keys = append(keys, below...)
	}
	return keys, nil
}
