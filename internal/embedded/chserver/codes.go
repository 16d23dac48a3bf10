package chserver

import (
	"fmt"
	"net/http"

	"detour/internal/embedded/chdb"
)

// ClickHouse's codes for what this server itself refuses.
const (
	badArguments      = 36
	notImplemented    = 48
	syntaxError       = 62
	outfileNotAllowed = 113
	tooLarge          = 307
	tooMany           = 202
	cancelled         = 394
	accessDenied      = 497
	authentication    = 516
	unknownException  = 1002
)

var codeNames = map[int]string{
	badArguments: "BAD_ARGUMENTS", notImplemented: "NOT_IMPLEMENTED", syntaxError: "SYNTAX_ERROR",
	outfileNotAllowed: "INTO_OUTFILE_NOT_ALLOWED", tooLarge: "TOO_MANY_BYTES", tooMany: "TOO_MANY_SIMULTANEOUS_QUERIES",
	cancelled: "QUERY_WAS_CANCELLED", accessDenied: "ACCESS_DENIED", authentication: "AUTHENTICATION_FAILED",
	unknownException: "UNKNOWN_EXCEPTION",
}

// refuse is an error in the engine's form.
func refuse(code int, format string, args ...any) *chdb.Error {
	return &chdb.Error{
		Code: code,
		Text: fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, fmt.Sprintf(format, args...), codeNames[code]),
	}
}

// statuses are the HTTP statuses that ClickHouse answers its codes with; every other one is 500.
var statuses = map[int]int{
	6: 400, 25: 400, 26: 400, 27: 400, 36: 400, 38: 400, 41: 400, 43: 400, 53: 400, 62: 400, 72: 400, 117: 400,
	167: 400, 168: 400, 223: 400, // what can't be parsed
	46: 404, 47: 404, 50: 404, 56: 404, 60: 404, 63: 404, 73: 404, 78: 404, 81: 404, 115: 404, 336: 404, // unknown names
	192: 403, 193: 403, 194: 401, accessDenied: 403, authentication: 403,
	tooLarge: 413, notImplemented: 501, 159: 408, 439: 503,
}

func status(code int) int {
	if s, ok := statuses[code]; ok {
		return s
	}
	return http.StatusInternalServerError
}
