# SPDX-License-Identifier: MIT
# The figures as an SVG picture: awk -v machine=TEXT -f picture.awk FIGURES ROWS.
function text(x, y, size, anchor, what) {
    gsub(/&/, "\\&amp;", what)
    gsub(/</, "\\&lt;", what)
    body = body sprintf("<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" text-anchor=\"%s\">%s</text>\n", x, y, size, anchor, what)
}

function line(x1, y1, x2, y2, colour, width) {
    body = body sprintf("<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\" stroke-width=\"%s\"/>\n", x1, y1, x2, y2, colour, width)
}

function box(x, y, width, height, colour) {
    body = body sprintf("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", x, y, width, height, colour)
}

function dot(x, y, r, colour) {
    body = body sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"/>\n", x, y, r, colour)
}

# The ratio 2 and the time 100 ms are where the field ends; what is more ends there too, with its figure beside it.
function at_ratio(ratio) {
    return LEFT + FIELD * (ratio < 2 ? ratio : 2) / 2
}

function at_ms(ms) {
    ms = ms < 0.01 ? 0.01 : ms > 100 ? 100 : ms
    return LEFT + FIELD * (log(ms) / log(10) + 2) / 4
}

function end_section(    at, ms) {
    if (kind == "ratio") {
        line(at_ratio(1), top, at_ratio(1), y - 4, "#777", 1)
        text(at_ratio(1), y + 8, 11, "middle", "1")
    } else if (kind == "latency") {
        for (ms = 0.01; ms <= 100; ms *= 10) {
            text(at_ms(ms), y + 8, 11, "middle", ms " ms")
        }
    }
    if (kind != "") {
        y += 40
    }
}

function draw_ratio(ratio, goal, title) {
    text(LEFT - 10, y + 14, 13, "end", title)
    box(LEFT, y + 3, at_ratio(ratio) - LEFT, 14, goal == "" ? "#8aa4c0" : ratio <= goal ? "#4b9460" : "#d08a3c")
    if (goal != "") {
        line(at_ratio(goal), y, at_ratio(goal), y + 20, "#222", 2.5)
    }
    text(at_ratio(ratio <= goal && ratio > goal - 0.25 ? goal : ratio) + 6, y + 14, 12, "start", sprintf("%.2f", ratio))
    y += 23
}

function draw_latency(percent, goal, title, v) {
    text(LEFT - 10, y + 14, 13, "end", title ", " percent " % of " int(v[2] / 1000 + 0.5) "k/s")
    line(at_ms(v[3]), y + 10, at_ms(v[6]), y + 10, "#8aa4c0", 4)
    dot(at_ms(v[3]), y + 10, 4.5, "#2f5d8a")
    dot(at_ms(v[5]), y + 10, 4.5, "#6f94b8")
    dot(at_ms(v[6]), y + 10, 4.5, goal == "" ? "#6f94b8" : v[6] <= goal ? "#4b9460" : "#d08a3c")
    if (goal != "") {
        line(at_ms(goal), y, at_ms(goal), y + 20, "#222", 2.5)
    }
    # Beside the mark, where that is close.
    text(at_ms(v[6] <= goal && v[6] > goal / 3 ? goal : v[6]) + 9, y + 14, 12, "start", sprintf("%.1f", v[6]))
    y += 21
}

BEGIN {
    WIDTH = 860
    LEFT = 400
    FIELD = 400
    y = 28
    text(20, y, 18, "start", "presenced: what a callback costs, beside others")
    text(20, y + 20, 12, "start", machine)
    text(20, y + 37, 12, "start", "Shorter is better. A black mark is a goal; green meets it, orange misses it; blue has none.")
    y += 70
}

FNR == NR {
    figures[$1] = $0
    next
}

FNR == 1 { FS = ";"; $0 = $0 }

$1 == "ratio" || $1 == "latency" {
    end_section()
    kind = $1
    text(20, y, 14, "start", $2)
    y += 12
    top = y
    next
}

kind == "ratio" && $1 in figures {
    split(figures[$1], v, " ")
    draw_ratio(v[2], $2, $3)
}

# The goal is for half of the most.
kind == "latency" {
    for (percent = 25; percent <= 75; percent += 25) {
        if (("latency_" $1 "_" percent) in figures) {
            split(figures["latency_" $1 "_" percent], v, " ")
            draw_latency(percent, percent == 50 ? $2 : "", $3, v)
        }
    }
}

END {
    end_section()
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" " \
        "font-family=\"sans-serif\" fill=\"#222\">\n", WIDTH, y, WIDTH, y
    printf "<rect width=\"%d\" height=\"%d\" fill=\"#fdfdfb\"/>\n%s</svg>\n", WIDTH, y, body
}
