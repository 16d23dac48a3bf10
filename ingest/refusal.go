package ingest

import (
	"errors"
	"fmt"

	"detour/schemas/reject"
	"detour/schemas/report"
)

// refusal is why a record, a report or a measurement is not used.
type refusal struct {
	reason reject.Reason
	detail string
}

func (r refusal) Error() string { return r.detail }

func refusef(reason reject.Reason, format string, args ...any) refusal {
	return refusal{reason, fmt.Sprintf(format, args...)}
}

// fromReport gives an error of package report its reason.
func fromReport(err error) refusal {
	switch {
	case errors.Is(err, report.ErrTooMany):
		return refusal{reject.TooMany, err.Error()}
	case errors.Is(err, report.ErrEmpty):
		return refusal{reject.Empty, err.Error()}
	case errors.Is(err, report.ErrSyntax):
		return refusal{reject.NotJSON, err.Error()}
	}
	return refusal{reject.BadField, err.Error()}
}

func reasonOf(err error) reject.Reason {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.reason
	}
	return reject.BadField
}
