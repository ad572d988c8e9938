# SPDX-License-Identifier: MIT
# Puts `to` in the place of the only `from` of a file: awk -v from=… -v to=… -f apply.awk FILE. Backslashes stand for
# themselves: ENVIRON holds them as they are. Ends with 1 where `from` is not there exactly once.
BEGIN {
    from = ENVIRON["from"]
    to = ENVIRON["to"]
}
{
    line = $0
    while ((at = index(line, from)) > 0) {
        n++
        printf "%s%s", substr(line, 1, at - 1), to
        line = substr(line, at + length(from))
    }
    print line
}
END { exit n != 1 }
