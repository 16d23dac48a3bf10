package report

import (
	"fmt"
	"testing"

	"detour/schemas/internal/golden"
)

func TestDocument(t *testing.T) {
	const file = "../../docs/formats/report.md"
	golden.Section(t, file, "example", golden.Code("json", stock))
	golden.Section(t, file, "limits", fmt.Sprintf(
		"| limit | value |\n|---|---|\n| reports in a record | %d |\n| targets of a report | %d |\n"+
			"| pulses of a target | %d |\n| nested objects and arrays | %d |\n", MaxReports, MaxTargets, MaxPulses, MaxDepth,
	))
}
