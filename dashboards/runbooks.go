package main

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const defaultRunbooks = "docs/runbooks.md"

// runbooks is the address of the page that has one section for each alert.
type runbooks string

type link = cog.Builder[dashboard.DashboardLink]

// section returns panel links to the sections of the named alerts. A section's
// anchor is its heading, the alert's name, in lower case, as Markdown viewers make it.
func (r runbooks) section(alerts ...string) []link {
	links := make([]link, 0, len(alerts))
	for _, alert := range alerts {
		links = append(links, r.link("Runbook: "+alert, string(r)+"#"+strings.ToLower(alert)))
	}
	return links
}

// page returns a link to the whole page.
func (r runbooks) page() *dashboard.DashboardLinkBuilder {
	return r.link("Runbooks", string(r)).
		Icon("doc").
		Tooltip("What each alert means, where to look in Rocket.Chat, what to do")
}

func (runbooks) link(title, url string) *dashboard.DashboardLinkBuilder {
	return dashboard.NewDashboardLinkBuilder(title).
		Type(dashboard.DashboardLinkTypeLink).
		Url(url).
		TargetBlank(true)
}
