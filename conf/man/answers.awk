# SPDX-License-Identifier: MIT
# A table of outcomes in C → the list of them in presenced-api(7), in mdoc. Needs fold.awk.
#
#   X(ID, "name", 403, WARNING, "words" "of the answer")    of callback.h
#   X(ID, "name", "words of the answer")                    of json_check.h and state_change.h: bad_body_name, 200

{
    sub(/[ \t]*\\$/, "")
    text = text " " $0
}

# Takes the string literal at the head of `text` off it.
function take_string(    value) {
    match(text, /^ *"[^"]*"/)
    value = substr(text, 1, RLENGTH)
    text = substr(text, RLENGTH + 1)
    sub(/^ *"/, "", value)
    sub(/"$/, "", value)
    gsub(/\\\\/, "\\", value)
    return value
}

function take(pattern,    value) {
    if (!match(text, "^ *" pattern))
        return ""
    value = substr(text, 1, RLENGTH)
    text = substr(text, RLENGTH + 1)
    gsub(/[ ,]/, "", value)
    return value
}

END {
    print ".Bl -tag -width Ds"
    while (match(text, / X\([A-Z0-9_]+, *"/)) {
        text = substr(text, RSTART + RLENGTH - 1)
        name = take_string()
        take(",")
        status = take("[0-9]+,")
        if (status != "")
            take("[A-Z]+,")
        words = ""
        while (text ~ /^ *"/)
            words = words take_string()
        if (text !~ /^ *\)/) {
            print "answers.awk: cannot read the row of " name >"/dev/stderr"
            exit 1
        }
        if (status == "") {
            name = "bad_body_" name
            status = 200
        }
        print ".It Cm " name " No " status (words == "" ? " OK" : " FAIL")
        print_folded(words == "" ? "(no words)" : words)
        n++
    }
    print ".El"
    exit n == 0
}
