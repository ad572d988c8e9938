# SPDX-License-Identifier: MIT
# conf/presenced.conf → the sections and options of presenced.conf(5), in mdoc. A test holds the file itself to
# the table of options, so what stands there need not be said twice. Needs fold.awk.
#
#   # Comment.          a paragraph before a section introduces it, before options it describes them
#   [section]           ;[app ID]
#   ;key = default      what stands above the first section is the file's own

function end_section() {
    if (in_list)
        print ".El"
    in_list = 0
}

function begin_section(name) {
    end_section()
    print ".Ss [" name "]\\&"
    print_prose(comment)
    comment = ""
}

function begin_option(key, value) {
    if (!in_list)
        print ".Bl -tag -width Ds"
    in_list = 1
    print ".It Ic " key " No =" (value == "" ? "" : " Ar " value)
}

/^#/ {
    sub(/^# ?/, "")
    comment = comment (comment == "" ? "" : " ") $0
    next
}

/^;?\[/ {
    name = $0
    gsub(/^;?\[|\]$/, "", name)
    sub(/ [0-9]+$/, " ID", name)
    begin_section(name)
    in_options = 0
    next
}

/^;?[a-z_]+ =/ {
    key = $0
    sub(/^;/, "", key)
    sub(/ =.*/, "", key)
    value = $0
    sub(/^[^=]*= ?/, "", value)
    begin_option(key, value)
    in_options = 1
    next
}

# The description follows the last of the options that it stands before.
/^$/ {
    if (in_options)
        print_prose(comment)
    comment = ""
    in_options = 0
}

END {
    if (in_options)
        print_prose(comment)
    end_section()
}
