package main

import "detour/internal/world/geo"

// isoCodes translates WonderNetwork's country names.
var isoCodes = map[string]string{
	"Albania": "AL", "Algeria": "DZ", "Argentina": "AR", "Australia": "AU", "Austria": "AT", "Bangladesh": "BD",
	"Belgium": "BE", "Brazil": "BR", "Bulgaria": "BG", "Cambodia": "KH", "Canada": "CA", "Chile": "CL", "China": "CN",
	"Colombia": "CO", "Costa Rica": "CR", "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "Ecuador": "EC",
	"Egypt": "EG", "Estonia": "EE", "Finland": "FI", "France": "FR", "Georgia": "GE", "Germany": "DE", "Greece": "GR",
	"Honduras": "HN", "Hong Kong": "HK", "Hungary": "HU", "Iceland": "IS", "India": "IN", "Indonesia": "ID",
	"Ireland": "IE", "Israel": "IL", "Italy": "IT", "Japan": "JP", "Kazakhstan": "KZ", "Kenya": "KE", "Latvia": "LV",
	"Lithuania": "LT", "Luxembourg": "LU", "Malaysia": "MY", "Malta": "MT", "Mexico": "MX", "Moldova": "MD",
	"Morocco": "MA", "Netherlands": "NL", "New Zealand": "NZ", "Nigeria": "NG", "Norway": "NO", "Pakistan": "PK",
	"Panama": "PA", "Peru": "PE", "Philippines": "PH", "Poland": "PL", "Portugal": "PT", "Puerto Rico": "PR",
	"Romania": "RO", "Russia": "RU", "Saudi Arabia": "SA", "Serbia": "RS", "Singapore": "SG", "Slovakia": "SK",
	"Slovenia": "SI", "South Africa": "ZA", "South Korea": "KR", "Spain": "ES", "Suriname": "SR", "Sweden": "SE",
	"Switzerland": "CH", "Taiwan": "TW", "Tanzania": "TZ", "Thailand": "TH", "Tunisia": "TN", "Turkey": "TR",
	"Uganda": "UG", "Ukraine": "UA", "United Arab Emirates": "AE", "United Kingdom": "GB", "United States": "US",
	"Uruguay": "UY", "Venezuela": "VE", "Vietnam": "VN",
}

// capitals places, to a degree, the countries that have resolvers but neither a WonderNetwork city nor a Cloudflare
// point of presence. Ours, from general knowledge: only the nearest city of the world is read off it.
var capitals = map[string]geo.Point{
	"AD": {Lat: 42, Lon: 2}, "AF": {Lat: 35, Lon: 69}, "BA": {Lat: 44, Lon: 18}, "BI": {Lat: -3, Lon: 29}, "BS": {Lat: 25, Lon: -77},
	"BZ": {Lat: 17, Lon: -89}, "CG": {Lat: -4, Lon: 15}, "CN": {Lat: 40, Lon: 116}, "CV": {Lat: 15, Lon: -24}, "GM": {Lat: 13, Lon: -17},
	"GN": {Lat: 10, Lon: -14}, "IR": {Lat: 36, Lon: 51}, "KY": {Lat: 19, Lon: -81}, "LY": {Lat: 33, Lon: 13}, "MA": {Lat: 34, Lon: -7},
	"MD": {Lat: 47, Lon: 29}, "ME": {Lat: 42, Lon: 19}, "ML": {Lat: 13, Lon: -8}, "MM": {Lat: 20, Lon: 96}, "MQ": {Lat: 15, Lon: -61},
	"MR": {Lat: 18, Lon: -16}, "NI": {Lat: 12, Lon: -86}, "PG": {Lat: -9, Lon: 147}, "ST": {Lat: 0, Lon: 7}, "SV": {Lat: 14, Lon: -89},
	"SY": {Lat: 34, Lon: 36}, "SZ": {Lat: -26, Lon: 31}, "TJ": {Lat: 39, Lon: 69}, "TL": {Lat: -9, Lon: 126}, "UY": {Lat: -35, Lon: -56},
	"UZ": {Lat: 41, Lon: 69}, "VE": {Lat: 10, Lon: -67}, "VI": {Lat: 18, Lon: -65}, "XK": {Lat: 43, Lon: 21}, "YE": {Lat: 15, Lon: 44},
}
