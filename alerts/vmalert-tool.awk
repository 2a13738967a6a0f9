# Makes vmalert-tool's form of promtool's unit tests. Its tests begin in 2000, and promtool's in 1970: times by
# Prometheus's own clock, on lines that end in "# own clock", are moved by the 30 years between.
/# own clock$/ {
	start = index($0, "values: ") + 8
	count = split(substr($0, start), values, " ")
	$0 = substr($0, 1, start - 1)
	for (i = 1; i <= count; i++) {
		if (match(values[i], /^-?[0-9]+/))
			values[i] = sprintf("%d", substr(values[i], 1, RLENGTH) + 946684800) substr(values[i], RLENGTH + 1)
		$0 = $0 values[i] " "
	}
}
{ sub(/promql_expr_test:/, "metricsql_expr_test:"); print }
