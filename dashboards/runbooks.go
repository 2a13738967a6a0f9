package main

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const defaultRunbooks = "docs/runbooks.md"

// runbooks is the address of the page that has one section for each alert. A
// relative address leads nowhere in Grafana, so with one there are no links.
type runbooks string

type link = cog.Builder[dashboard.DashboardLink]

// section returns panel links to the sections of the named alerts. A section's
// anchor is its heading, the alert's name, in lower case, as Markdown viewers make it.
func (r runbooks) section(alerts ...string) []link {
	var links []link
	for _, alert := range alerts {
		links = append(links, r.links("Runbook: "+alert, "#"+strings.ToLower(alert))...)
	}
	return links
}

// page returns a link to the whole page.
func (r runbooks) page() []link { return r.links("Runbooks", "") }

func (r runbooks) links(title, anchor string) []link {
	if !strings.Contains(string(r), "://") {
		return nil
	}
	return []link{dashboard.NewDashboardLinkBuilder(title).
		Type(dashboard.DashboardLinkTypeLink).
		Icon("doc").
		Tooltip("What it means, where to look in Rocket.Chat, what to do").
		Url(string(r) + anchor).
		TargetBlank(true)}
}
