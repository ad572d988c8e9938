# SPDX-License-Identifier: MIT
# Text → lines of mdoc: what options.awk, answers.awk and metrics.awk share.

function escape(text) {
    gsub(/\\/, "\\e", text)
    return text ~ /^[.']/ ? "\\&" text : text
}

# In lines of 80 columns at most.
function print_folded(text,    words, n, i, line) {
    n = split(text, words, " ")
    line = words[1]
    for (i = 2; i <= n; i++) {
        if (length(line) + 1 + length(words[i]) > 79) {
            print escape(line)
            line = words[i]
        } else {
            line = line " " words[i]
        }
    }
    print escape(line)
}

# Each sentence begins a line, as mdoc wants it.
function print_prose(text) {
    while (match(text, /[.?!][)]? [A-Z0-9]/)) {
        print_folded(substr(text, 1, RSTART + RLENGTH - 3))
        text = substr(text, RSTART + RLENGTH - 1)
    }
    if (text != "")
        print_folded(text)
}
