package main

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	markdownLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	markdownHeading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor     = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func TestEveryLinkOfAServedPageLeadsToAServedPage(t *testing.T) {
	p := start(t, credentials...)
	links := 0
	require.NoError(t, fs.WalkDir(docs, ".", func(page string, _ fs.DirEntry, err error) error {
		if path.Ext(page) != ".md" {
			return err
		}
		for _, link := range markdownLink.FindAllStringSubmatch(p.get("/"+page), -1) {
			file, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			links++
			target := "/" + page
			if file != "" {
				target = path.Join(path.Dir(target), file)
			}
			content := p.get(target)
			if anchor != "" {
				assert.Contains(t, anchors(content), anchor, "%s links to %s", page, link[1])
			}
		}
		return err
	}))
	assert.NotZero(t, links)
}

// anchors are the anchors that GitHub makes of the headings of a page.
func anchors(page string) (found []string) {
	for _, heading := range markdownHeading.FindAllStringSubmatch(page, -1) {
		text := notInAnchor.ReplaceAllString(strings.ToLower(heading[1]), "")
		found = append(found, strings.ReplaceAll(text, " ", "-"))
	}
	return found
}
