package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decode reads one YAML document into what v points to. A key that v does not have is an error, as is a second document;
// errors are one line. An empty document leaves v as it is.
func Decode(text []byte, v any) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return OneLine(err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("there is more behind the first document: remove what follows its \"---\" or \"...\"")
	}
	return nil
}

// OneLine joins the lines of an error, as YAML's have several.
func OneLine(err error) error {
	text := strings.ReplaceAll(err.Error(), "\n  ", " ")
	if joined := strings.ReplaceAll(text, "\n", "; "); joined != err.Error() {
		return errors.New(joined)
	}
	return err
}
