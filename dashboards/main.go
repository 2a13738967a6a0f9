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

	if err := run(runbooks(*base), *output); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

func run(base runbooks, output string) error {
	json, err := generate(base)
	if err != nil {
		return err
	}
	if output == "" {
		_, err = os.Stdout.Write(json)
		return err
	}
	return os.WriteFile(output, json, 0o644)
}
