package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"detour/internal/console"
	"detour/internal/world"
	"detour/schemas/pathmap"
)

// summary is what the demo found.
type summary struct {
	audit      audit
	manifest   pathmap.Manifest
	entries    *pathmap.Map
	moved      int // resolvers of the world off the default path
	truth      world.Evaluation
	dnsChecked int
	dnsWrong   int
	took       time.Duration
}

func (s *summary) wrong() bool { return s.dnsWrong > 0 || len(s.audit.differences()) > 0 }

func (s *summary) print(d *demo) error {
	for _, w := range s.audit.differences() {
		fmt.Fprintln(d.std.err, "WRONG:", w)
	}
	if d.options.json {
		return s.writeJSON(d.std.out, len(d.world.Resolvers()))
	}
	s.write(d.std.out, len(d.world.Resolvers()))
	s.drawPicture(d.std.out, d.world)
	if !d.options.exit {
		s.suggest(d)
	}
	return nil
}

// percent rounds to two decimals.
func percent(share float64) float64 { return float64(int64(share*10_000+0.5*sign(share))) / 100 }

func sign(x float64) float64 {
	if x < 0 {
		return -1
	}
	return 1
}

func (s *summary) writeJSON(w io.Writer, resolvers int) error {
	t := &s.truth
	return json.NewEncoder(w).Encode(struct {
		Reports           int64   `json:"reports"`
		Samples           int64   `json:"samples"`
		Rejects           int64   `json:"rejects"`
		Panes             int64   `json:"panes"`
		MapVersion        int64   `json:"map_version"`
		MapDigest         string  `json:"map_digest"`
		Resolvers         int     `json:"resolvers"`
		ViaProxy          int     `json:"via_proxy"`
		SlowerAllProxy    float64 `json:"slower_all_proxy_pct"`
		SlowerMap         float64 `json:"slower_map_pct"`
		GainNew           float64 `json:"median_gain_new_pct"`
		GainReused        float64 `json:"median_gain_reused_pct"`
		MovedGainNew      float64 `json:"moved_median_gain_new_pct"`
		MovedGainReused   float64 `json:"moved_median_gain_reused_pct"`
		ClickHouseWindows int64   `json:"clickhouse_windows"`
		DNSChecked        int     `json:"dns_checked"`
		DNSWrong          int     `json:"dns_wrong"`
	}{
		s.audit.reports, s.audit.samples, s.audit.rejects, s.audit.panes,
		s.manifest.Version, s.manifest.Digest, resolvers, s.moved,
		percent(t.AllProxy.SlowerResolvers), percent(t.Map.SlowerResolvers),
		percent(t.Map.MedianNew), percent(t.Map.MedianReused), percent(t.Map.MovedNew), percent(t.Map.MovedReused),
		s.audit.stored.windows, s.dnsChecked, s.dnsWrong,
	})
}

func (s *summary) write(w io.Writer, resolvers int) {
	a, t := &s.audit, &s.truth
	fmt.Fprintf(w, `
  %d reports, %d samples, %d rejects, %d panes, in %.0f s
  map version %d (%.12s…): %d of %d resolvers by proxy, others direct

  TRUTH (the world knows it)      everybody by proxy  by the map  those it moved
  resolvers made slower                      %5.1f %%     %5.1f %%
  users made slower                          %5.1f %%     %5.1f %%
  mean latency                              %5.0f ms    %5.0f ms
  median acceleration, new connections       %5.1f %%     %5.1f %%         %5.1f %%
  median acceleration, reused ones           %5.1f %%     %5.1f %%         %5.1f %%

  The mean is %.0f ms with everybody direct, and %.0f ms at best. The map moved
  %.0f %% of users; on reused connections alone %.0f %% of all are slower by it.

  CHECKED  DNS asked from every resolver: %d answers, %d wrong
           ClickHouse: %d windows with %d samples, as the log says: %s
`,
		a.reports, a.samples, a.rejects, a.panes, s.took.Seconds(),
		s.manifest.Version, s.manifest.Digest, s.moved, resolvers,
		100*t.AllProxy.SlowerResolvers, 100*t.Map.SlowerResolvers,
		100*t.AllProxy.SlowerUsers, 100*t.Map.SlowerUsers,
		t.AllProxy.MeanMs, t.Map.MeanMs,
		100*t.AllProxy.MedianNew, 100*t.Map.MedianNew, 100*t.Map.MovedNew,
		100*t.AllProxy.MedianReused, 100*t.Map.MedianReused, 100*t.Map.MovedReused,
		t.AllDirect.MeanMs, t.Oracle.MeanMs, 100*t.Map.ViaProxy, 100*t.Map.SlowerReused,
		s.dnsChecked, s.dnsWrong, a.stored.windows, a.stored.samples, yes(len(a.differences()) == 0))
}

func yes(ok bool) string {
	if ok {
		return "yes"
	}
	return "NO"
}

// pictureRows is how many countries the picture has, the last row for the rest.
const pictureRows = 14

// drawPicture draws who gains and who loses on new connections, before and after.
func (s *summary) drawPicture(w io.Writer, wd *world.World) {
	panel := func(title string, o *world.Outcome, a world.Assignment) console.Panel {
		p := console.Panel{Title: title, Note: fmt.Sprintf("%.1f %% of users slower", 100*o.SlowerUsers)}
		for _, r := range wd.Picture(a, world.NewConnection, pictureRows) {
			p.Rows = append(p.Rows, console.Row(r))
		}
		return p
	}
	fmt.Fprintln(w, "\n  Acceleration of new connections by country; the darker, the more of its users")
	fmt.Fprintln(w)
	fmt.Fprint(w, console.HeatMaps(styleOf(w),
		panel("everybody by proxy", &s.truth.AllProxy, world.Always(1)),
		panel("by the map", &s.truth.Map, assigned(s.entries))))
}

func styleOf(w io.Writer) console.Style {
	style := console.Style{Width: 80}
	if f, ok := w.(*os.File); ok && console.IsTerminal(w) {
		style.Color = os.Getenv("NO_COLOR") == ""
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			style.Width = min(max(width, 60), 140)
		}
	}
	return style
}

// suggest prints what to try while the demo stays up.
func (s *summary) suggest(d *demo) {
	cfg := d.pipeline.cfg
	fmt.Fprintf(d.std.out, `
  TRY, while this stays up (Ctrl-C ends it)
  curl 'http://%s/?database=%s' --data-binary \
    'SELECT reason, count() FROM decisions GROUP BY reason ORDER BY 2 DESC'
`, cfg.ClickHouse.Addr[0], cfg.ClickHouse.Database)
	_, port, _ := strings.Cut(d.dns.Addrs()[0].String(), ":")
	proxied, direct := s.examples(d.world)
	explained := netip.Addr{}
	for _, r := range []struct {
		addr netip.Addr
		is   string
	}{{proxied, "by proxy"}, {direct, "direct"}} {
		if !r.addr.IsValid() {
			continue // a scenario may leave nobody to show
		}
		if !explained.IsValid() {
			explained = r.addr
		}
		fmt.Fprintf(d.std.out, "  dig +short -b %s @127.0.0.1 -p %s %s    # %s\n",
			d.aliases.alias[r.addr], port, strings.TrimSuffix(cfg.DNS.Service, "."), r.is)
	}
	fmt.Fprintf(d.std.out, "  %s explain --config %s %s\n", os.Args[0], d.engines.configFile(), explained)
}

// examples returns the first resolver on the proxy path and the first on the default, each invalid if there is none.
func (s *summary) examples(w *world.World) (proxied, direct netip.Addr) {
	for _, r := range w.Resolvers() {
		switch byDefault := s.entries.Path(r.Addr) == s.entries.Default; {
		case byDefault && !direct.IsValid():
			direct = r.Addr
		case !byDefault && !proxied.IsValid():
			proxied = r.Addr
		}
	}
	return proxied, direct
}
