package page

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"rocketchat_import_exporter/docs"
)

// get returns an answer of handler to a request that accepts a type.
func get(t *testing.T, handler http.Handler, target, accept string) *http.Response {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Accept", accept)
	handler.ServeHTTP(w, r)
	return w.Result()
}

// read returns the ids of a page, and where its links and pictures lead.
func read(t *testing.T, page string) (ids, links []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			switch a.Key {
			case "id":
				ids = append(ids, a.Val)
			case "href", "src":
				links = append(links, a.Val)
			}
		}
	}
	return ids, links
}

// checkLinks checks that each relative link of a page leads to a file and to an id in it. content
// returns the HTML of a page.
func checkLinks(t *testing.T, page string, content func(name string) string) (checked int) {
	t.Helper()
	_, links := read(t, content(page))
	for _, link := range links {
		u, err := url.Parse(link)
		require.NoError(t, err)
		if u.Host != "" {
			continue
		}
		target := page
		if u.Path != "" {
			target = path.Join(path.Dir(page), u.Path)
		}
		found := content(target)
		if u.Fragment != "" {
			ids, _ := read(t, found)
			assert.Contains(t, ids, u.Fragment, "%s links to %s", page, link)
		}
		checked++
	}
	return checked
}

func TestEveryLinkOfAServedPageLeadsToAServedPage(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/docs/", http.StripPrefix("/docs", Docs(docs.Files)))
	mux.HandleFunc("/{$}", func(http.ResponseWriter, *http.Request) {})
	content := func(name string) string {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, name, nil))
		assert.Equal(t, http.StatusOK, w.Code, name)
		return w.Body.String()
	}
	pages, err := fs.Glob(docs.Files, "*.md")
	require.NoError(t, err)
	for _, page := range pages {
		assert.Greater(t, checkLinks(t, "/docs/"+page, content), 3, "%s has at least the links of each page", page)
	}
}

func TestEveryLinkOfAPageOfTheRepositoryLeadsToAFile(t *testing.T) {
	repository := os.DirFS("../..")
	content := func(name string) string {
		source, err := fs.ReadFile(repository, name)
		if err != nil || path.Ext(name) != ".md" {
			_, err = fs.Stat(repository, name)
			assert.NoError(t, err)
			return ""
		}
		assert.Equal(t, string(source), string(withoutDeadLinks(name, source, repository)), "%s links to files that are not there", name)
		return string(newDocument(source).Body)
	}
	pages, err := fs.Glob(repository, "*.md")
	require.NoError(t, err)
	more, err := fs.Glob(repository, "docs/*.md")
	require.NoError(t, err)
	checked := 0
	for _, page := range append(pages, more...) {
		checked += checkLinks(t, page, content)
	}
	assert.Greater(t, checked, 50)
}

func TestEachEmbeddedFileIsAPageOrAPicture(t *testing.T) {
	files, err := fs.ReadDir(docs.Files, ".")
	require.NoError(t, err)
	for _, file := range files {
		assert.Contains(t, []string{".md", ".png"}, path.Ext(file.Name()))
	}
}

func TestMarkdownIsShownAsHTML(t *testing.T) {
	handler := Docs(fstest.MapFS{
		"README.md": {Data: []byte("# The index")},
		"a.md": {Data: []byte("# A `b_c`: d\n\n## A b_c d\n\n[x](README.md#the-index) [y](../SECURITY.md#z) [SECURITY.md](../SECURITY.md)" +
			" [w](https://example.com)\n\n<script>alert(1)</script>\n\n[bad](javascript:alert(1))\n\n|k|\n|-|\n|v|\n")},
		"x.png": {Data: []byte("\x89PNG")},
	})
	body := func(r *http.Response) string {
		var b strings.Builder
		require.NoError(t, r.Write(&b))
		return b.String()
	}
	page := body(get(t, handler, "/a.md", "text/html,*/*;q=0.8"))
	for _, want := range []string{
		"<title>A b_c: d</title>", `<h1 id="a-b_c-d">A <code>b_c</code>: d</h1>`, `<h2 id="a-b_c-d-1">`, `<a href="README.md#the-index">x</a>`,
		"y (SECURITY.md) SECURITY.md ", `<a href="https://example.com">w</a>`, "<td>v</td>", `href="?raw"`, "text/markdown",
		"Content-Type: text/html; charset=utf-8\r\n", "Vary: Accept\r\n", "X-Content-Type-Options: nosniff\r\n",
		"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'\r\n",
	} {
		assert.Contains(t, page, want)
	}
	for _, unwanted := range []string{"<script", "javascript:", "href=\"../S"} {
		assert.NotContains(t, page, unwanted)
	}
	assert.Contains(t, body(get(t, handler, "/", "")), "The index")
	assert.Contains(t, body(get(t, handler, "/x.png", "")), "Content-Type: image/png")
	for _, missing := range []string{"/b.md", "/b.png", "/docs.go"} {
		assert.Equal(t, http.StatusNotFound, get(t, handler, missing, "").StatusCode)
	}
}

func TestMarkdownIsThereForWhoAsksForIt(t *testing.T) {
	handler := Docs(fstest.MapFS{"a.md": {Data: []byte("# A")}})
	for _, c := range []struct{ name, target, accept, kind string }{
		{"a browser", "/a.md", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html"},
		{"curl", "/a.md", "*/*", "text/html"},
		{"nobody says", "/a.md", "", "text/html"},
		{"a program that reads Markdown", "/a.md", "text/markdown", "text/markdown"},
		{"one that prefers it", "/a.md", "text/markdown, text/html;q=0.9", "text/markdown"},
		{"one that prefers HTML", "/a.md", "text/markdown;q=0.5, text/html", "text/html"},
		{"a reader who clicks on the link", "/a.md?raw", "text/html", "text/plain"},
	} {
		r := get(t, handler, c.target, c.accept)
		assert.Equal(t, c.kind+"; charset=utf-8", r.Header.Get("Content-Type"), c.name)
		assert.Equal(t, "Accept", r.Header.Get("Vary"), c.name)
		assert.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"), c.name)
	}
}
