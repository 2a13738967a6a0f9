// Command dashboards writes the Grafana dashboard of rocketchat_import_exporter
// as JSON, to standard output or to a file.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	base := flag.String("runbook-base", defaultRunbooks, "address of the runbooks page, stamped into every link to it")
	output := flag.String("o", "", "file to write (default: standard output)")
	flag.Parse()

	json, err := generate(runbooks(*base))
	switch {
	case err != nil:
	case *output == "":
		_, err = os.Stdout.Write(json)
	default:
		err = os.WriteFile(*output, json, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}
