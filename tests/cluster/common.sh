# common.sh: sourced by the other scripts of this folder. Where things are kept, how one server is
# started, awaited and ended. What differs between MariaDB and MySQL is in mariadb.sh and mysql.sh.
#
# A cluster is a folder:
#
#   DIR/settings         flavor, base port, number of replicas, kind of replication
#   DIR/<i>/my.cnf       the options of server i (0 is the first primary); port = base port + i
#   DIR/<i>/data         its data
#   DIR/<i>/s.sock       its socket, for root without a password
#   DIR/<i>/pid, log     its process and what it said

CACHE=${TIDEMARK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidemark}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

die()
{
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# sudo only where it is needed, and never asking when nobody is there to answer.
as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

# Servers refuse to run as root unless told so, and refuse the option for everyone else.
user_option()
{
    [ "$(id -u)" != 0 ] || echo "--user=root"
}

# A process that has ended but was not reaped yet still answers to signal 0. It has ended when it is
# a zombie and no thread of it is left.
is_alive()
{
    [ -n "$1" ] && grep -q '^State:' "/proc/$1/status" 2>/dev/null || return 1
    ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null ||
        [ "$(ls "/proc/$1/task" 2>/dev/null | wc -l)" -gt 1 ]
}

pid_of()
{
    cat "$1/pid" 2>/dev/null || true
}

# end_servers SIGNAL SERVER_DIR...   sends the signal to all, then waits for each. A server that
# ignores SIGTERM for a minute is killed.
end_servers()
{
    local signal=$1 dir pid tries
    shift
    for dir in "$@"; do
        pid=$(pid_of "$dir")
        if is_alive "$pid"; then
            kill "-$signal" "$pid" 2>/dev/null || true
        fi
    done
    for dir in "$@"; do
        pid=$(pid_of "$dir")
        tries=0
        while is_alive "$pid"; do
            tries=$((tries + 1))
            [ "$tries" -ne 1200 ] || kill -KILL "$pid" 2>/dev/null || true
            sleep 0.05
        done
        rm -f "$dir/pid"
    done
}

# await_server SERVER_DIR   until the log says that it takes connections.
await_server()
{
    local dir=$1 tries=0
    until grep -q 'ready for connections' "$dir/log" 2>/dev/null; do
        tries=$((tries + 1))
        if ! is_alive "$(pid_of "$dir")" || [ "$tries" -gt 1200 ]; then
            tail -n 15 "$dir/log" >&2
            die "the server in $dir did not start"
        fi
        sleep 0.05
    done
}

# await SECONDS COMMAND...   until the command succeeds.
await()
{
    local tries=$(($1 * 20))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

# template NAME MAKER SCRIPT   makes the initialised data folder NAME once, in the cache, and prints
# its path. The name carries a digest of the script that makes it, so a changed script makes a new
# one. Several clusters starting at once wait for the one that is making it.
template()
{
    local name maker=$2 path work
    name=$1-$(cat "$3" "$HERE/common.sh" | sha1sum | cut -c1-10)
    path=$CACHE/template/$name
    mkdir -p "$CACHE/template"
    (
        flock 9
        if [ ! -d "$path" ]; then
            rm -rf "$CACHE/template/$1"-*
            work=$(mktemp -d "$CACHE/template/.making-XXXXXX")
            "$maker" "$work" >"$work/log" 2>&1 || {
                tail -n 20 "$work/log" >&2
                exit 1
            }
            mv "$work" "$path"
        fi
    ) 9>"$CACHE/template/lock" || die "could not prepare the $1 data folder"
    echo "$path"
}

# The options that keep a test server small and quick; durability is not what is tested.
small_server_options()
{
    cat <<'CNF'
innodb_buffer_pool_size = 32M
innodb_flush_log_at_trx_commit = 2
sync_binlog = 0
innodb_doublewrite = OFF
innodb_buffer_pool_load_at_startup = OFF
innodb_buffer_pool_dump_at_shutdown = OFF
innodb_use_native_aio = OFF
key_buffer_size = 1M
table_open_cache = 400
max_connections = 500
max_allowed_packet = 64M
skip_name_resolve
bind_address = 127.0.0.1
CNF
}

# make_certificates DIR   a throw-away authority, and what it has signed: the servers' certificate
# (127.0.0.1, ::1, localhost) and a client's. Named as MySQL looks for them in its data folder.
make_certificates()
{
    local dir=$1 name
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -batch \
        -subj /CN=tests-authority -keyout "$dir/ca-key.pem" -out "$dir/ca.pem" 2>/dev/null || return 1
    for name in server client; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch \
            -subj "/CN=tests-$name" -keyout "$dir/$name-key.pem" -out "$dir/$name.csr" \
            2>/dev/null || return 1
        openssl x509 -req -in "$dir/$name.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca-key.pem" \
            -set_serial "0x$(openssl rand -hex 8)" -days 3650 -out "$dir/$name-cert.pem" \
            -extfile <(echo "subjectAltName = IP:127.0.0.1, IP:::1, DNS:localhost") \
            2>/dev/null || return 1
        rm -f "$dir/$name.csr"
        chmod 600 "$dir/$name-key.pem"
    done
}
