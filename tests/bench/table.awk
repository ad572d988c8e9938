# SPDX-License-Identifier: MIT
# The figures as a table in Markdown: awk -f table.awk FIGURES ROWS.
FNR == NR {
    figures[$1] = $0
    next
}

FNR == 1 { FS = ";"; $0 = $0 }

$1 == "ratio" || $1 == "latency" {
    kind = $1
    printf "\n| %s | %s |\n|---|---|%s\n", $2, kind == "ratio" ? "ratio | CPU | goal" : "25 % of the most | 50 % | 75 %",
        kind == "ratio" ? "---|---|" : "---|---|"
    next
}

kind == "ratio" && $1 in figures {
    split(figures[$1], v, " ")
    printf "| %s | %.2f | %.1f µs | %s |\n", $3, v[2], v[3], $2 == "" ? "" : "≤ " $2
}

kind == "latency" && ("latency_" $1 "_25") in figures {
    split(figures["latency_" $1 "_25"], v, " ")
    printf "| %s, at most %d/s |", $3, v[2]
    for (percent = 25; percent <= 75; percent += 25) {
        split(figures["latency_" $1 "_" percent], v, " ")
        printf " %.2f / %.2f / %.1f |", v[3], v[5], v[6]
    }
    print ""
}

END {
    print "\n| besides | |\n|---|---|"
    split(figures["stalled"], v, " ")
    printf "| 500 callers stalled in the handshake, server CPU | %.1f ms a second |\n", v[2] / 1000
    split(figures["query_1000"], v, " ")
    printf "| a query of 1000 ids, server CPU | %.2f ms |\n", v[2] / 1000
    split(figures["start"], v, " ")
    printf "| from start to ready with a million stored users | %.1f s |\n| resident memory then | %d KB |\n", v[2], v[3]
}
