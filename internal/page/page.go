// Package page has what people read in a browser: the documentation.
package page

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.css
var css string

// styled has the template "style", which is in the style of each page.
var styled = template.Must(template.New("").Parse(`{{define "style"}}` + css + `{{end}}`))

// protect keeps a page from loading or running anything that is not the exporter's.
func protect(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}
