#!/bin/sh
# SPDX-License-Identifier: MIT
# Boots a minimal Debian with systemd in a folder (systemd-nspawn) and lives the package's life there: installed,
# configured, started hardened, fed with events over HTTPS, reloaded, killed by its watchdog, restarted and upgraded
# under load, given credentials, removed; and upgraded from version 0.1. `sh tests/packaging/booted.sh [RELEASE]`, 12 or
# 13; without one, this machine's. Needs root, debootstrap, systemd-nspawn and a mirror (MIRROR names another than
# debootstrap's own, BASE a folder that it has filled before); takes about two minutes. Where such a boot is not
# possible it says so and ends with 77.
#
# It runs with a filter that kills for a system call that is not allowed, where the unit lets the call fail: so
# none is missed.
set -eu

cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/packaging/common.sh
. tests/packaging/common.sh
container=
status_socket=/run/presenced/status.sock

skip() {
    echo "skipped: $1"
    exit 77
}

fail() {
    echo "booted.sh: $1" >&2
    exit 1
}

# until_true COMMAND…: tried for half a minute.
until_true() {
    for _ in $(seq 300); do
        if "$@" >"$own/tried" 2>&1; then
            return 0
        fi
        sleep 0.1
    done
    cat "$own/tried"
    return 1
}

# ---- the machine ----

make_root() {
    if [ -n "${BASE-}" ]; then
        cp -a "$BASE" "$root"
    else
        bootstrap systemd-sysv,dbus,curl,openssl, || skip "$reason"
    fi
    mkdir "$root/srv/packages"
    cc -std=gnu17 -D_GNU_SOURCE -static tests/packaging/freeze.c tests/system/freeze.c -o "$root/srv/freeze"
    cp tests/packaging/inside.sh "$root/srv/inside.sh"
}

# The first process of the machine, once it is there.
find_leader() {
    leader=$(cat "/proc/$container/task/$container/children") && leader=${leader%% *} && [ -n "$leader" ] &&
        [ "$(cat "/proc/$leader/comm")" = systemd ]
}

inside() {
    nsenter --target "$leader" --all --wdns=/ -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
        DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}

is_booted() {
    find_leader || return 1
    state=$(inside systemctl is-system-running) || [ "$state" = degraded ]
}

boot() {
    set -- --quiet --directory="$root" --boot --private-network --console=pipe
    # Without a service manager outside there is nobody to register with.
    [ -d /run/systemd/system ] || set -- "$@" --register=no --keep-unit
    systemd-nspawn "$@" </dev/null >"$own/console" 2>&1 &
    container=$!
    until_true is_booted || skip "no boot in a folder here: $(tail -n 3 "$own/console")"
}

is_gone() {
    ! kill -0 "$container" 2>/dev/null
}

# The second signal ends it at once.
clean_up() {
    if [ -n "$container" ]; then
        kill "$container" 2>/dev/null || true
        until_true is_gone || kill "$container" 2>/dev/null || true
        wait "$container" || true
    fi
    rm -rf "$own"
}

# ---- the daemon ----

systemctl() {
    inside systemctl "$@"
}

property() {
    systemctl show --property="$1" --value presenced.service
}

# has PROPERTY VALUE
has() {
    value=$(property "$1")
    [ "$value" = "$2" ] || { echo "$1 is '$value', not '$2'" && return 1; }
}

fails() {
    ! "$@"
}

journal_says() {
    inside journalctl --quiet --no-pager --unit=presenced.service >"$own/journal"
    tail -n 5 "$own/journal"
    grep -qF -e "$1" "$own/journal"
}

# Of the process that runs now.
process_says() {
    inside journalctl --quiet --no-pager "_PID=$(property MainPID)" >"$own/journal"
    tail -n 5 "$own/journal"
    grep -qF -e "$1" "$own/journal"
}

# in_proc LINE: of the status of its process.
in_proc() {
    inside grep -x "$1" "/proc/$(property MainPID)/status"
}

# send USER: a Login, signed, over HTTPS.
send() {
    inside sh /srv/inside.sh send "$1"
}

# is_online USER…
is_online() {
    for user in "$@"; do
        inside curl --silent --show-error --unix-socket "$status_socket" "http://localhost/v1/users/$user" |
            grep -q '"state":"online"' || { echo "$user is not online" && return 1; }
    done
}

make_certificate() {
    inside openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -keyout /etc/presenced/tls/privkey.pem -out /etc/presenced/tls/fullchain.pem
    inside chgrp presenced /etc/presenced/tls/privkey.pem
    inside chmod 640 /etc/presenced/tls/privkey.pem
}

# configure CALLBACK-ADDRESS [STATUS-ADDRESS]
configure() {
    cat >"$root/etc/presenced/${conf-conf.d/own.conf}" <<END
[callback]
listen = $1
drain_delay = 200ms
[app 1400000000]
token_file = ${token_file-/etc/presenced/token}
[status]
listen = ${2:-unix:$status_socket}
[store]
path = /var/lib/presenced/store
END
}

certificate_served() {
    inside sh -c 'openssl s_client -connect 127.0.0.1:8443 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint'
}

serves_new_certificate() {
    [ "$(certificate_served)" = "$(inside openssl x509 -noout -fingerprint -in /etc/presenced/tls/fullchain.pem)" ]
}

# ---- the life ----

try_unconfigured() {
    check 'installs' inside dpkg --install /srv/packages/first.deb
    check '… and is not started' has ActiveState inactive
    check 'does not start' fails systemctl start presenced
    check '… and says why' journal_says '[app ID]: missing'
    check '… without trying again' has NRestarts 0
}

try_start() {
    mkdir -p "$root/etc/systemd/system/presenced.service.d"
    printf '[Service]\nWatchdogSec=4s\nSystemCallErrorNumber=kill\n' >"$root/etc/systemd/system/presenced.service.d/test.conf"
    systemctl daemon-reload
    inside sh -c 'umask 027 && echo made-up >/etc/presenced/token && chgrp presenced /etc/presenced/token'
    make_certificate >/dev/null 2>&1
    configure 127.0.0.1:8443
    check 'starts' systemctl start presenced
    check '… and serves as soon as it is started' send alice
    check 'knows who is online' is_online alice
    check 'says so' until_true has StatusText 'users online: 1'
    check 'has no way to new privileges' in_proc 'NoNewPrivs:.1'
    check '… nor any' in_proc 'CapBnd:.0000000000000000'
    check '… and a filter of system calls' in_proc 'Seccomp:.2'
    check 'its Unix socket is for its group' is_as 'srw-rw---- presenced:presenced' /run/presenced/status.sock
}

try_reload() {
    check 'its control socket is its own' is_as 'srw------- presenced:presenced' /run/presenced/control.sock
    check 'root may ask what it needs' inside presencectl stats
    make_certificate >/dev/null 2>&1
    check 'reloads' systemctl reload presenced
    check '… with another certificate' until_true serves_new_certificate
    echo 'nonsense' >>"$root/etc/presenced/conf.d/own.conf"
    check 'does not reload what is wrong' fails systemctl reload presenced
    check '… and runs on' send bob
    configure 127.0.0.1:8444
    check 'does not reload what needs a restart' fails systemctl reload presenced
    check '… and says so' until_true has StatusText \
        'users online: 2; configuration not reloaded: /etc/presenced/conf.d/own.conf:2: [callback] listen: cannot change while presenced runs: restart it'
    check '… and runs on' send carol
}

# One http thread stands still, the others go on.
try_watchdog() {
    configure 127.0.0.1:8443
    check 'restarts' systemctl restart presenced
    check '… with what was stored' is_online alice bob carol
    inside timeout 30 /srv/freeze "$(property MainPID)" callback-0 >/dev/null || true
    check 'is started anew where a thread stands still' until_true has NRestarts 1
    check '… by the watchdog' journal_says 'Watchdog timeout'
    check '… and serves' until_true send dora
    check '… with what was stored' is_online alice bob carol dora
    configure 0.0.0.0:1
    check 'does not run where it cannot listen' fails systemctl restart presenced
}

# Clients connect all the time, each anew for each event.
begin_load() {
    rm -f "$root/srv/load."*
    for number in 1 2 3 4; do
        inside sh /srv/inside.sh load $number >"$own/load-$number" 2>&1 &
        loads="${loads-} $!"
    done
    until_true has_answers 10
}

has_answers() {
    for number in 1 2 3 4; do
        [ "$(wc -l <"$root/srv/load.$number")" -gt "$1" ] || return 1
    done
}

end_load() {
    touch "$root/srv/load.stop"
    # Numbers are words.
    # shellcheck disable=SC2086
    wait $loads
    loads=
}

no_event_failed() {
    cat "$own"/load-*
    [ -z "$(cat "$own"/load-*)" ]
}

no_event_is_lost() {
    # shellcheck disable=SC2046
    is_online $(cat "$root"/srv/load.[1-4])
}

try_socket() {
    configure systemd systemd
    status_socket=/run/presenced-status.sock
    systemctl stop presenced
    check 'its sockets start' systemctl enable --now presenced.socket presenced-status.socket
    check '… and start it for the first who comes' send erna
    check '… as it should be' has ActiveState active
    check 'knows who is online' is_online alice erna
    check 'its Unix socket is for its group' is_as 'srw-rw---- presenced:presenced' $status_socket
    begin_load
    for _ in 1 2 3; do
        check 'restarts under load' systemctl restart presenced
    done
    check 'is upgraded under load' inside dpkg --install /srv/packages/0.1.0-2.deb
    check '… to the new version' inside dpkg-query --show presenced
    check '… and runs' has ActiveState active
    end_load
    check 'refused no connection and failed no event' no_event_failed
    check '… and lost none' no_event_is_lost
    echo "      of $(cat "$root"/srv/load.[1-4] | wc -l)"
}

# Secrets that the daemon's user cannot read, as the service manager hands them over.
try_credentials() {
    cat >"$root/etc/systemd/system/presenced.service.d/credentials.conf" <<'END'
[Service]
LoadCredential=callback-token:/etc/presenced/root-token
END
    inside sh -c 'umask 077 && cp /etc/presenced/token /etc/presenced/root-token'
    systemctl daemon-reload
    token_file=credential:callback-token
    configure systemd systemd
    check 'starts with a credential' systemctl restart presenced
    check '… and checks signatures with it' send frieda
    check '… and reloads' systemctl reload presenced
    check '… with it' until_true process_says 'configuration reloaded'
    check '… and checks signatures still' send gustav
    check '… and presencectl signs with it, as root' inside presencectl trigger login --user karla
    check '… and its user is online' is_online karla
    check 'is upgraded with a credential' inside dpkg --install /srv/packages/0.1.0-3.deb
    check '… and restarted' send hanna
    check '… as the new version' has ActiveState active
    inside sh -c 'echo another >/etc/presenced/token && cp /etc/presenced/token /etc/presenced/root-token'
    check 'takes another credential' systemctl restart presenced
    check '… at a restart' send ida
    unset token_file
    rm "$root/etc/systemd/system/presenced.service.d/credentials.conf"
    systemctl daemon-reload
}

# An upgrade from version 0.1 with its configuration edited, as an unattended one is.
try_from_0_1() {
    status_socket=/run/presenced/status.sock
    check 'version 0.1 installs' inside dpkg --install /srv/packages/0.1.0-0.deb
    inside sh -c 'umask 027 && echo made-up >/etc/presenced/token && chgrp presenced /etc/presenced/token'
    make_certificate >/dev/null 2>&1
    conf=presenced.conf
    configure 127.0.0.1:8443
    unset conf
    cp "$root/etc/presenced/presenced.conf" "$own/conf"
    check '… and starts' systemctl start presenced
    check '… and serves' send alice
    check 'is upgraded' inside dpkg --install /srv/packages/first.deb
    check '… keeping its configuration' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check '… and runs' has ActiveState active
    check '… and serves' send bob
    check '… with what was stored' is_online alice bob
    check 'goes back' inside dpkg --force-confold --install /srv/packages/0.1.0-0.deb
    check '… keeping its configuration' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check '… and serves' until_true send carol
    check '… with what was stored' is_online alice bob carol
}

nothing_failed() {
    systemctl --failed --no-legend >"$own/units"
    cat "$own/units"
    [ ! -s "$own/units" ]
}

is_deaf() {
    ! inside curl --silent --insecure https://localhost:8443/livez
}

try_end() {
    check 'is removed' inside dpkg --remove presenced
    check '… and with it what listened' is_deaf
    check '… leaving nothing that failed' nothing_failed
    check 'is purged' inside dpkg --purge presenced
    check '… with its data' inside sh -c '! ls -d /var/lib/presenced /etc/presenced'
}

[ "$(id -u)" -eq 0 ] || skip 'this needs root, to boot a system in a folder'
command -v debootstrap >/dev/null || skip 'this needs debootstrap'
command -v systemd-nspawn >/dev/null || skip 'this needs systemd-nspawn'
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
build_package || { [ $? -eq 77 ] && skip "$reason"; } || fail "$reason"
make_root
cp "$package" "$root/srv/packages/first.deb"
make_version 0.1.0-2 "$root/srv/packages"
make_version 0.1.0-3 "$root/srv/packages"
make_old 0.1.0-0 "$root/srv/packages"
boot

try_unconfigured
try_start
try_reload
try_watchdog
try_socket
try_credentials
try_end
try_from_0_1
try_end
conclude
