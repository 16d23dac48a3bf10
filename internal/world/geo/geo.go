// Package geo measures distances on the globe, for the choices that GeoDNS and anycast make by geography.
package geo

import "math"

// Point is a place in degrees.
type Point struct{ Lat, Lon float64 }

const earthRadiusKm = 6371

// Km returns the great-circle distance of a and b in kilometres (haversine formula).
func Km(a, b Point) float64 {
	const rad = math.Pi / 180
	dLat := math.Sin((a.Lat - b.Lat) * rad / 2)
	dLon := math.Sin((a.Lon - b.Lon) * rad / 2)
	h := dLat*dLat + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*dLon*dLon
	return 2 * earthRadiusKm * math.Asin(math.Min(1, math.Sqrt(h)))
}
