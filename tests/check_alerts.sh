#!/bin/sh
# SPDX-License-Identifier: MIT
# check_alerts.sh PROMTOOL: the alert rules of conf/examples are well formed and do what tests/alerts.yml says,
# where each of them stands once raised at least.
set -eu

promtool=$1
root=$(cd "$(dirname "$0")/.." && pwd)

"$promtool" check rules "$root/conf/examples/alerts.yml"
"$promtool" test rules "$root/tests/alerts.yml"
sed -n 's/^ *- alert: //p' "$root/conf/examples/alerts.yml" | while read -r alert; do
    grep -A1 "^ *alertname: $alert\$" "$root/tests/alerts.yml" | grep -q exp_alerts: || {
        echo "tests/alerts.yml does not raise $alert"
        exit 1
    }
done
