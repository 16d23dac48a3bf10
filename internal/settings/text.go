package settings

import (
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// zeroUnits are those that time.Duration writes behind a greater one although they say nothing: the 0s of 10m0s.
var zeroUnits = regexp.MustCompile(`([a-z])(0[a-z])+$`)

// Text is k's value as it is written in YAML on one line, "" for an empty text.
func (k *Key) Text() string {
	switch value := k.Value().(type) {
	case string:
		if value == "" {
			return ""
		}
	case time.Duration:
		return zeroUnits.ReplaceAllString(value.String(), "$1")
	}
	var node yaml.Node
	if err := node.Encode(k.Value()); err != nil {
		return err.Error()
	}
	node.Style = yaml.FlowStyle
	text, err := yaml.Marshal(&node)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}
