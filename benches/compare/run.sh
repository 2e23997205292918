#!/usr/bin/env bash
# The same work on the same disk in the same run: PostgreSQL, Redis and SQLite from Debian's packages, ledgerd, and a raw
# loop of write + fdatasync as the floor. Writes the table in docs/performance.md and the plot beside it.
#
#   benches/compare/run.sh
#   ROUNDS=3 SECONDS_EACH=5 benches/compare/run.sh
#
# The packages are unpacked under target/ and not installed, so that nothing of the machine changes and no right is needed;
# each system runs only while it is measured, so that nobody pays for another's clean-up. PostgreSQL refuses to run as root:
# then it runs as DATABASE_USER. Needs Debian or a child of it, cargo and python3.
set -euo pipefail

ROUNDS="${ROUNDS:-5}"
export SECONDS_EACH="${SECONDS_EACH:-2}"
# Seconds that a round waits at most until nobody else computes.
QUIET_SECONDS="${QUIET_SECONDS:-20}"
# No round begins that would probably end later than this many seconds after the start.
BUDGET="${BUDGET:-840}"
PACKAGES=(postgresql-15 redis-server sqlite3 libsqlite3-0)

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
project="$(cd "$here/../.." && pwd)"
target="${CARGO_TARGET_DIR:-$project/target}"
mkdir -p "$target/compare"
work="$(mktemp -d "$target/compare/work.XXXXXX")"
results="$target/compare/results.jsonl"
about="$target/compare/about.tsv"
: >"$results"
: >"$about"

say() { printf '== [%4ds] %s\n' "$SECONDS" "$*" >&2; }
die() {
    printf 'run.sh: %s\n' "$*" >&2
    exit 1
}
note() {
    printf '%s\t%s\n' "$1" "$2" >>"$about"
    printf '   %-12s %s\n' "$1" "$2" >&2
}

redis_pid='' ledgerd_pid=''
postgresql="$work/postgresql"

stop_process() {
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}
stop_postgresql() {
    [[ ! -e "$postgresql/data/postmaster.pid" ]] ||
        as_database pg_ctl --pgdata="$postgresql/data" --mode=fast --wait stop >/dev/null || true
}
stop_redis() {
    [[ -z "$redis_pid" ]] || stop_process "$redis_pid"
    redis_pid=''
}
stop_ledgerd() {
    [[ -z "$ledgerd_pid" ]] || stop_process "$ledgerd_pid"
    ledgerd_pid=''
}
clean_up() {
    stop_ledgerd
    stop_redis
    stop_postgresql
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# Who PostgreSQL runs as.
database_user=''
if [[ "$(id -u)" == 0 ]]; then
    database_user="${DATABASE_USER:-$(id -un postgres 2>/dev/null || echo nobody)}"
fi
as_database() {
    if [[ -n "$database_user" ]]; then
        runuser -u "$database_user" -- "$@"
    else
        "$@"
    fi
}
chmod 755 "$target/compare" "$work"
cd "$work"
as_database test -x "$work" ||
    die "the user $database_user cannot reach $work: set CARGO_TARGET_DIR to a place on the same disk that everybody can reach"
((${#work} < 80)) || die "$work is too long a name for sockets in it: set CARGO_TARGET_DIR to a shorter one"

say "building ledgerd"
(cd "$project" && cargo build --release --locked --quiet --bins)
ledgerd="$target/release/ledgerd"
export LEDGERCTL="$target/release/ledgerctl"

say "unpacking ${PACKAGES[*]}"
apt() {
    apt-get --quiet=2 -o Dir::Cache="$work/apt" -o Dir::State::lists="$work/apt/lists" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@" >>"$work/apt.log" 2>&1 ||
        { tail -n 5 "$work/apt.log" >&2 && die "apt-get failed"; }
}
mkdir -p "$work/apt/archives/partial" "$work/apt/lists/partial" "$work/packages"
apt update
apt install --yes --download-only --no-install-recommends --reinstall "${PACKAGES[@]}"
for package in "$work"/apt/archives/*.deb; do
    # The machine's own loader does not run with another's C library.
    [[ "$package" == */libc6_* ]] || dpkg -x "$package" "$work/packages"
done
rm -rf "$work/apt"
# Packages that the machine has already were not fetched; what was fetched comes first.
multiarch="$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")"
export PATH="$work/packages/usr/lib/postgresql/15/bin:$work/packages/usr/bin:$PATH"
export LD_LIBRARY_PATH="$work/packages/usr/lib/$multiarch"
export PYTHONDONTWRITEBYTECODE=1
# Debian's Python calls Debian's SQLite; another one may have been built with its own.
python=/usr/bin/python3
[[ -x "$python" ]] || python=python3

start_postgresql() {
    as_database pg_ctl --pgdata="$postgresql/data" --log="$postgresql/log" --wait start >/dev/null
    psql --host="$postgresql" --username=bench --dbname=postgres --quiet --no-psqlrc \
        --set=ON_ERROR_STOP=1 --file="$here/schema.sql" >/dev/null 2>>"$postgresql/said"
}
postgresql_setting() {
    psql --host="$postgresql" --username=bench --dbname=postgres --no-psqlrc --tuples-only --no-align \
        --command="SHOW $1"
}
start_redis() {
    mkdir -p "$work/redis"
    redis-server --port 0 --unixsocket "$work/redis/socket" --dir "$work/redis" --appendonly yes \
        --appendfsync always --auto-aof-rewrite-percentage 0 --save '' >"$work/redis/log" 2>&1 &
    redis_pid=$!
    local attempt
    for attempt in {1..100}; do
        if [[ "$(redis-cli -s "$work/redis/socket" ping 2>/dev/null)" == PONG ]]; then
            return
        fi
        sleep 0.1
    done
    die "redis-server did not start after $attempt attempts"
}
redis_setting() { redis-cli -s "$work/redis/socket" CONFIG GET "$1" | tail -n 1; }
start_ledgerd() {
    mkdir -p "$work/ledgerd"
    # What an earlier start has said must not be taken for the word of this one.
    : >"$work/ledgerd/ready"
    # A few accounts stand for many here.
    printf 'log_bytes_per_account_day = 0\n' >"$work/ledgerd/ledgerd.toml"
    LEDGERD_LOG=error "$ledgerd" --config "$work/ledgerd/ledgerd.toml" --data "$work/ledgerd/ledger" --listen 127.0.0.1:0 --opening-grant 1000000000000 \
        >>"$work/ledgerd/ready" &
    ledgerd_pid=$!
    local attempt
    for attempt in {1..600}; do
        if grep -q '^READY' "$work/ledgerd/ready"; then
            break
        fi
        sleep 0.1
    done
    LEDGERCTL_SERVER="$(sed -n 's/^READY.* addr=//p' "$work/ledgerd/ready")"
    [[ -n "$LEDGERCTL_SERVER" ]] || die "ledgerd did not start after $attempt attempts"
    export LEDGERCTL_SERVER LEDGERCTL_HOME="$work/ledgerd/home"
    "$LEDGERCTL" getKey --accept-new >/dev/null
}

say "the machine and the settings"
cpu="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
note Processor "${cpu:-$(uname -m)}, $(nproc) cores$(grep -q '^flags.* hypervisor' /proc/cpuinfo && echo ' of a virtual machine')"
note Memory "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
# shellcheck source=/dev/null
note System "$(. /etc/os-release && echo "$PRETTY_NAME"), Linux $(uname -r | sed 's/[^0-9.].*//')"
# Source, type and options of the file system that holds the work directory.
read -r device kind options < <(findmnt --noheadings --output SOURCE,FSTYPE,OPTIONS --target "$work")
note "File system" "$kind ($options) on ${device##*/}"

install --directory --mode=755 "$postgresql"
[[ -z "$database_user" ]] || chown "$database_user" "$postgresql"
as_database initdb --pgdata="$postgresql/data" --username=bench --auth=trust --encoding=UTF8 --locale=C \
    >"$work/initdb.log" 2>&1 || { tail -n 5 "$work/initdb.log" >&2 && die "initdb failed"; }
as_database tee -a "$postgresql/data/postgresql.conf" >/dev/null <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$postgresql'
synchronous_commit = on
SETTINGS
start_postgresql
text="$(postgres --version)"
for setting in synchronous_commit fsync wal_sync_method full_page_writes shared_buffers max_wal_size; do
    text+=", $setting=$(postgresql_setting "$setting")"
done
note PostgreSQL "${text#postgres (PostgreSQL) }"
stop_postgresql

start_redis
text="$(redis-server --version | sed 's/.*v=\([^ ]*\).*/\1/')"
for setting in appendonly appendfsync auto-aof-rewrite-percentage; do
    text+=", $setting=$(redis_setting "$setting")"
done
note Redis "$text, no snapshots"
stop_redis

note SQLite "$("$python" -c 'import sqlite3; print(sqlite3.sqlite_version)'), journal_mode=WAL, synchronous=FULL, wal_autocheckpoint=1000"
version="$(sed -n 's/^version = "\(.*\)"/\1/p' "$project/Cargo.toml" | head -n 1)"
commit="$(git -C "$project" rev-parse --short HEAD 2>/dev/null || echo 'no commit')"
note ledgerd "$version ($commit), opening-grant=1000000000000, log_bytes_per_account_day=0"

# Percent of the processors' time that nobody used within a second.
idle_now() {
    local before after
    read -r -a before </proc/stat
    sleep 1
    read -r -a after </proc/stat
    local all=0 n
    for n in {1..8}; do
        all=$((all + after[n] - before[n]))
    done
    echo $((100 * (after[4] - before[4]) / all))
}
# A client that waits for a disk or a server is woken up; while others compute, it may wait for them for a whole tick of the
# kernel (4 ms), which is many syncs. A round begins when the machine is quiet, or when that lasts too long.
await_quiet() {
    local attempt idle=0
    for ((attempt = 0; attempt < QUIET_SECONDS; attempt++)); do
        idle="$(idle_now)"
        ((idle < 90)) || break
    done
    quiet+=("$idle")
}

has_load() { "$LEDGERCTL" bench --help >/dev/null 2>&1; }
if has_load; then
    say "making the keys of 64 members"
    start_ledgerd
    for kind in '' --device-keys; do
        # shellcheck disable=SC2086
        "$LEDGERCTL" bench $kind --connections 64 --commands 64 >/dev/null 2>"$work/ledgerd/said" ||
            { tail -n 3 "$work/ledgerd/said" >&2 && die "ledgerctl bench failed"; }
    done
    stop_ledgerd
fi

slice() {
    sync
    "$python" "$here/measure.py" "$1" "$2" "$work" "$results"
}
started=$SECONDS done=0 quiet=()
for ((round = 1; round <= ROUNDS; round++)); do
    say "round $round of $ROUNDS"
    await_quiet
    slice floor "$round"
    start_postgresql
    slice postgresql "$round"
    stop_postgresql
    start_redis
    slice redis "$round"
    stop_redis
    slice sqlite "$round"
    if has_load; then
        start_ledgerd
        slice ledgerd "$round"
        stop_ledgerd
    else
        slice ledgerd "$round"
    fi
    done=$round
    if ((SECONDS + (SECONDS - started) / done > BUDGET && round < ROUNDS)); then
        say "no time for another round"
        break
    fi
done
note Measured "$(date -u +%Y-%m-%d), $done rounds of $SECONDS_EACH s a row"

note Quiet "processors idle before each round, in percent: ${quiet[*]}"
"$python" "$here/report.py" "$results" "$about" "$project/docs/performance.md" "$project/docs/performance.svg"
say "docs/performance.md and docs/performance.svg are written; every single figure stands in $results"
