# SPDX-License-Identifier: MIT
# The struct metric of the sources → the list of them in presenced-api(7), in mdoc. Needs fold.awk.
#
#   .name = "name", .type = METRIC_TYPE, .labels = {"label"}, .help = "Help." "More.",    with others between them
#
# Fails where one breaks the rules that Prometheus's users rely on.

{ text = text " " $0 }

# What stands between `begin`, which comes before the next metric, and `end`; "" where it does not.
function field(begin, end,    at, value) {
    at = index(metric, begin)
    if (at == 0)
        return ""
    value = substr(metric, at + length(begin))
    return substr(value, 1, index(value, end) - 1)
}

function check(holds, words) {
    if (!holds) {
        print "metrics.awk: " name ": " words >"/dev/stderr"
        failed = 1
    }
}

END {
    print ".Bl -tag -width Ds"
    while (match(text, /\.name = "(presenced|process)_/)) {
        text = substr(text, RSTART + 1)
        metric = text
        if (match(metric, /\.name = /))
            metric = substr(metric, 1, RSTART - 1)
        labels = field(".labels = {", "}")
        gsub(/"/, "", labels)
        match(metric, /\.help = +("[^"]*" *)+/)
        help = substr(metric, RSTART + 8, RLENGTH - 8)
        gsub(/^ *"|" *$/, "", help)
        gsub(/" *"/, "", help)
        name = field("name = \"", "\"")
        type = tolower(field(".type = METRIC_", ","))
        unit = field(".unit = METRIC_", ",")
        check(seen[name]++ == 0, "is there twice")
        check((name ~ /_total$/) == (type == "counter"), "_total and counters go together")
        check((name ~ /_seconds/) == (unit ~ /^[MU]S$/), "_seconds and times go together")
        check(help ~ /\.$/ && help !~ /\\/, "the help is not a sentence")
        check(labels !~ /user/, "users are no labels")
        print ".It Cm " name " No " type (labels == "" ? "" : ", by " labels)
        print_prose(help)
        n++
    }
    print ".El"
    exit n == 0 || failed
}
