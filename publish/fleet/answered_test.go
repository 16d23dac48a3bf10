package fleet_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/dataflow/memlog"
	"detour/publish/fleet"
)

func TestEachAnswerIsToldWithItsRoute(t *testing.T) {
	var told []string
	s := fleet.New(fleet.Default(), fleet.NewStore(memlog.All(1), zerolog.Nop()), zerolog.Nop())
	s.Answered = func(route string, code int) { told = append(told, route+" "+strconv.Itoa(code)) }
	handler := s.Handler()
	for _, c := range [][2]string{
		{http.MethodGet, "/livez"},
		{http.MethodGet, "/v1/manifest"},
		{http.MethodHead, "/v1/maps/7"},
		{http.MethodGet, "/v1/maps/x/manifest"},
		{http.MethodGet, "/made/up/by/a/stranger"},
		{http.MethodPost, "/v1/manifest"},
	} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(c[0], c[1], nil))
	}
	want := []string{"/livez 200", "/v1/manifest 503", "/v1/maps/{version} 404", "/v1/maps/{version}/manifest 404", "/ 404", "/ 405"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
