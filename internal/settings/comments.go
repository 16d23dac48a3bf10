package settings

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Comments returns what the comments of a YAML document say, by the path of the key that they stand above or beside. Of the
// elements of a list it is the first one's.
func Comments(text []byte) (map[string]string, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, OneLine(err)
	}
	comments := make(map[string]string)
	for _, root := range document.Content {
		collect(comments, root, "")
	}
	return comments, nil
}

func collect(comments map[string]string, section *yaml.Node, prefix string) {
	for i := 0; i+1 < len(section.Content); i += 2 {
		key, value := section.Content[i], section.Content[i+1]
		path := prefix + key.Value
		comments[path] = plain(key.HeadComment + "\n" + key.LineComment + "\n" + value.LineComment)
		switch {
		case value.Kind == yaml.MappingNode:
			collect(comments, value, path+".")
		case value.Kind == yaml.SequenceNode && len(value.Content) > 0 && value.Content[0].Kind == yaml.MappingNode:
			collect(comments, value.Content[0], path+"[].")
		}
	}
}

// plain joins the lines of a comment, without their marks.
func plain(comment string) string {
	var words []string
	for line := range strings.Lines(comment) {
		words = append(words, strings.Fields(strings.TrimLeft(line, "# "))...)
	}
	return strings.Join(words, " ")
}
