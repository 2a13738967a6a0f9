package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/munnerz/goautoneg"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
)

//go:embed docs.html
var docsHTML string

var docsTemplate = template.Must(template.Must(styled.Clone()).New("docs").Parse(docsHTML))

// Docs serves files at the root of the request's path: Markdown as HTML, the rest as it is. Who
// asks for text/markdown, or adds ?raw to the address, gets the Markdown. The root is README.md.
func Docs(files fs.FS) http.Handler {
	static := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w)
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if name == "" {
			name = "README.md"
		}
		source, err := fs.ReadFile(files, name)
		if err != nil || path.Ext(name) != ".md" {
			static.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Vary", "Accept")
		switch {
		case r.URL.Query().Has("raw"):
			w.Header().Set("Content-Type", "text/plain; charset=utf-8") // a browser downloads text/markdown
			w.Write(source)
		case goautoneg.Negotiate(r.Header.Get("Accept"), []string{"text/html", "text/markdown"}) == "text/markdown":
			w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
			w.Write(source)
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			docsTemplate.Execute(w, newDocument(withoutDeadLinks(name, source, files))) // fails only if the reader has hung up
		}
	})
}

// document is a page of the documentation, as a browser shows it.
type document struct {
	Title string
	Body  template.HTML
}

// newDocument turns Markdown that begins with its title into HTML. Raw HTML in it is left out.
func newDocument(source []byte) document {
	title, _, _ := strings.Cut(strings.TrimPrefix(string(source), "# "), "\n")
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	var body bytes.Buffer
	// A buffer returns no error. The pages' raw HTML is left out, so that all tags are goldmark's.
	markdown.Convert(source, &body, parser.WithContext(parser.NewContext(parser.WithIDs(anchors{}))))
	return document{strings.ReplaceAll(title, "`", ""), template.HTML(body.String())}
}

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchors gives headings the ids that GitHub gives them. It counts those that the page has.
type anchors map[string]int

// Generate returns the id of a heading.
func (a anchors) Generate(heading []byte, _ ast.NodeKind) []byte {
	id := strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(string(heading)), ""), " ", "-")
	a[id]++
	if n := a[id] - 1; n > 0 {
		return fmt.Appendf(nil, "%s-%d", id, n)
	}
	return []byte(id)
}

// Put does nothing, because no heading sets its id itself.
func (anchors) Put([]byte) {}

var links = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]*)\)`)

// withoutDeadLinks replaces each link of a page to a file that is not in files, but in the repository,
// by its text and the file's name.
func withoutDeadLinks(page string, source []byte, files fs.FS) []byte {
	return links.ReplaceAllFunc(source, func(link []byte) []byte {
		match := links.FindSubmatch(link)
		u, err := url.Parse(string(match[2]))
		if err != nil || u.Host != "" || u.Path == "" {
			return link
		}
		if _, err = fs.Stat(files, path.Join(path.Dir(page), u.Path)); err == nil {
			return link
		}
		file := path.Join("docs", u.Path)
		if strings.Trim(string(match[1]), "`") == file {
			return match[1]
		}
		return fmt.Appendf(nil, "%s (%s)", match[1], file)
	})
}
