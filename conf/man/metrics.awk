# SPDX-License-Identifier: MIT
# The table of metrics in src/status/metrics.c → the list of them in presenced-api(7), in mdoc. Needs fold.awk.
#
#   ROW("name", TYPE, UNIT, "label", NULL, "Help.", SOURCE)

{ text = text " " $0 }

END {
    print ".Bl -tag -width Ds"
    while (match(text, / ROW\("[a-z_]+", [A-Z]+, [A-Z]+, [^"]*("[a-z_]+", *)*[^"]*"[^"]*"/)) {
        row = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        split(row, quoted, "\"")
        split(row, fields, /, */)
        labels = ""
        for (i = 4; i <= 5; i++)
            if (fields[i] ~ /^"/)
                labels = labels (labels == "" ? "" : ", ") substr(fields[i], 2, length(fields[i]) - 2)
        n_quoted = split(row, quoted, "\"")
        print ".It Cm " quoted[2] " No " tolower(fields[2]) (labels == "" ? "" : ", by " labels)
        print_prose(quoted[n_quoted - 1])
        n++
    }
    print ".El"
    exit n == 0
}
