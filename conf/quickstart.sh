#!/bin/sh
# SPDX-License-Identifier: MIT
# From a fresh Debian 12 or 13 to a running receiver to play with: installs what is missing, builds into build/,
# makes a throw-away certificate, token and configuration under build/quickstart/ and runs the daemon in the
# foreground. May be run again; needs root or sudo only to install packages.
set -eu

callback_port=8443
status_port=8080
app=1400000000

fail() {
    echo "quickstart: $1" >&2
    exit 1
}

cd "$(dirname "$0")/.." || exit
root=$(pwd)
own=$root/build/quickstart

sh conf/packages.sh build || fail 'packages are missing, see above'

# curl says 7 where nobody listens.
for port in $callback_port $status_port; do
    status=0
    curl --silent --output /dev/null --noproxy '*' --max-time 2 "http://127.0.0.1:$port/" || status=$?
    [ $status -eq 7 ] || fail "port $port of 127.0.0.1 is taken by another program (is a quickstart running?)"
done

# Without tests, which need more packages, but where a developer has a build with them already.
testing=-DBUILD_TESTING=OFF
[ ! -e build/CMakeCache.txt ] || testing=
mkdir -p "$own"
chmod 700 "$own"
umask 077
echo 'building into build/ …'
{ cmake -S . -B build $testing && cmake --build build --parallel "$(nproc)" --target presenced presencectl; } \
    >"$own/build.log" 2>&1 || {
    tail -n 30 "$own/build.log" >&2
    fail "the build failed, all of it is in $own/build.log"
}

# A certificate that ends within a day is made anew.
if ! openssl x509 -in "$own/certificate.pem" -checkend 86400 -noout >/dev/null 2>&1; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout "$own/private_key.pem" -out "$own/certificate.pem" >"$own/certificate.log" 2>&1 ||
        fail "no certificate could be made: $(cat "$own/certificate.log")"
fi
[ -s "$own/token" ] || openssl rand -hex 16 >"$own/token" || fail 'no token could be made'
[ -s "$own/presenced.conf" ] || cat >"$own/presenced.conf" <<END
[callback]
listen = 127.0.0.1:$callback_port
certificate = $own/certificate.pem
private_key = $own/private_key.pem

[app $app]
token_file = $own/token

[status]
listen = 127.0.0.1:$status_port

[store]
path = $own/store
END
build/presenced --config "$own/presenced.conf" --check-config >/dev/null ||
    fail "the configuration is wrong, see above; remove $own/presenced.conf to get a new one"

cat <<END

Callbacks: https://127.0.0.1:$callback_port/    who is online, in a browser: http://127.0.0.1:$status_port/
Stop with Ctrl-C. Paste this into another terminal, and alice comes and goes, on the page too:

presencectl() { '$root/build/presencectl' --config '$own/presenced.conf' "\$@"; }

presencectl trigger login --user alice --kicked Windows
presencectl get alice
presencectl trigger logout --user alice
presencectl get alice

"presencectl watch" in one more terminal shows it as it happens. What programs get to see: curl --noproxy '*' http://127.0.0.1:$status_port/v1/users/alice

END
exec build/presenced --config "$own/presenced.conf"
