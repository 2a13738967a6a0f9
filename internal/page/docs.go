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
	"github.com/yuin/goldmark/text"
)

//go:embed docs.html
var docsHTML string

var docsTemplate = template.Must(template.Must(styled.Clone()).New("docs").Parse(docsHTML))

// document is a page of the documentation, as a browser shows it.
type document struct {
	Title string
	Body  template.HTML
	left  []string // the links that lead to no file that is served
}

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
			docsTemplate.Execute(w, newDocument(name, source, files)) // fails only if the reader has hung up
		}
	})
}

// newDocument turns the Markdown of a file of files into HTML. Raw HTML in it is left out.
func newDocument(name string, source []byte, files fs.FS) document {
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table))
	root := markdown.Parser().Parse(text.NewReader(source))
	d, ids := document{}, map[string]int{}
	var leaving []*ast.Link
	ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Heading:
			if title := textOf(n, source); entering {
				n.SetAttributeString("id", []byte(anchor(title, ids)))
				if d.Title == "" {
					d.Title = title
				}
			}
		case *ast.Link:
			if entering && !served(name, string(n.Destination), files) {
				leaving = append(leaving, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, link := range leaving {
		d.left = append(d.left, string(link.Destination))
		showAsText(link, source)
	}
	var body bytes.Buffer
	markdown.Renderer().Render(&body, source, root) // cannot fail: a buffer takes everything
	d.Body = template.HTML(body.String())           // without raw HTML, goldmark writes only tags of its own
	return d
}

// textOf returns the text of a node as a browser shows it.
func textOf(n ast.Node, source []byte) string {
	var shown strings.Builder
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			shown.Write(t.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return shown.String()
}

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchor returns the id that GitHub gives a heading. ids counts those that the page has.
func anchor(heading string, ids map[string]int) string {
	id := strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
	ids[id]++
	if n := ids[id] - 1; n > 0 {
		return fmt.Sprintf("%s-%d", id, n)
	}
	return id
}

// served reports whether a link of a page leads to a file of files, or to another host.
func served(page, link string, files fs.FS) bool {
	u, err := url.Parse(link)
	if err != nil || u.Host != "" || u.Path == "" {
		return err == nil
	}
	_, err = fs.Stat(files, path.Join(path.Dir(page), u.Path))
	return err == nil
}

// showAsText replaces a link to a file of the repository by its text and the file's name.
func showAsText(link *ast.Link, source []byte) {
	file, _, _ := strings.Cut(path.Join("docs", string(link.Destination)), "#")
	shown := textOf(link, source)
	parent := link.Parent()
	for child := link.FirstChild(); child != nil; child = link.FirstChild() {
		parent.InsertBefore(parent, link, child)
	}
	if shown != file {
		parent.InsertBefore(parent, link, ast.NewString([]byte(" ("+file+")")))
	}
	parent.RemoveChild(parent, link)
}
