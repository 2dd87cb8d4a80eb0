#!/usr/bin/env bash
# cluster.sh: starts and ends real primary-and-replicas clusters on loopback.
#
#   cluster.sh start DIR FLAVOR PORT [REPLICAS [offset]]   new cluster: mariadb or mysql, 2 replicas,
#                                       GTID (or log file and offset); primary on PORT, then PORT+1…
#   cluster.sh up DIR [SERVER...]       starts stopped servers again (all, or those numbers)
#   cluster.sh stop DIR [SERVER...]     in good order
#   cluster.sh crash DIR [SERVER...]    with SIGKILL
#   cluster.sh sql DIR SERVER [client options]   the command-line client, as root
#   cluster.sh destroy DIR              ends the servers and removes the folder
#
# Accounts everywhere (password = name): app, app2 (the application), mon (what Tidemark's monitor
# needs), repl; root without password over the socket and from 127.0.0.1. Schema `test`, and in it
# the table `whoami` with each server's own number, written past replication: a plain read of it
# tells which server answered.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$HERE/mariadb.sh"
. "$HERE/mysql.sh"

write_options() # INDEX
{
    local dir=$DIR/$1 port=$((PORT + $1))
    # A starting MariaDB removes temporary tables from its tmpdir, those of other servers too.
    mkdir -p "$dir/tmp"
    cat >"$dir/my.cnf" <<CNF
[mysqld]
datadir = $dir/data
socket = $dir/s.sock
pid_file = $dir/server.pid
tmpdir = $dir/tmp
port = $port
server_id = $port
report_host = 127.0.0.1
report_port = $port
log_bin = binlog
CNF
    { small_server_options; "${FLAVOR}_options" "$1"; } >>"$dir/my.cnf"
}

write_whoami() # INDEX
{
    "${FLAVOR}_sql" "$DIR/$1" -e "
        SET sql_log_bin = 0;
        CREATE TABLE test.whoami (id INT PRIMARY KEY);
        INSERT INTO test.whoami VALUES ($1)"
}

# The servers named, or all.
each_server()
{
    [ $# -gt 0 ] && echo "$@" || seq 0 "$REPLICAS"
}

start()
{
    local template i position=()
    case $FLAVOR in mariadb | mysql) ;; *) die "flavor is mariadb or mysql, not '$FLAVOR'" ;; esac
    [ ! -e "$DIR" ] || [ -z "$(ls -A "$DIR")" ] || die "$DIR exists and is not empty"
    mkdir -p "$DIR"
    DIR=$(cd "$DIR" && pwd)
    # A socket's path has 107 characters at most.
    [ ${#DIR} -le 95 ] || die "$DIR is too long a path for a socket in it"
    "${FLAVOR}_prepare"
    template=$("${FLAVOR}_template")
    printf 'FLAVOR=%s\nPORT=%s\nREPLICAS=%s\nOFFSET=%s\n' \
        "$FLAVOR" "$PORT" "$REPLICAS" "$OFFSET" >"$DIR/settings"
    for i in $(each_server); do
        mkdir "$DIR/$i"
        cp -a --sparse=always "$template/data" "$DIR/$i/data"
        write_options "$i"
        "${FLAVOR}_launch" "$DIR/$i"
    done
    for i in $(each_server); do
        await_server "$DIR/$i"
        write_whoami "$i"
    done
    # shellcheck disable=SC2207
    [ "$OFFSET" = 0 ] || position=($("${FLAVOR}_position" "$DIR/0"))
    for i in $(seq 1 "$REPLICAS"); do
        "${FLAVOR}_follow" "$DIR/$i" "$PORT" "${position[@]}"
    done
    for i in $(seq 1 "$REPLICAS"); do
        await 30 "${FLAVOR}_is_following" "$DIR/$i" || die "server $i does not replicate"
        "${FLAVOR}_seal_replica" "$DIR/$i"
    done
    # A primary that has never logged anything has no position to compare replicas with.
    "${FLAVOR}_sql" "$DIR/0" -e "CREATE TABLE test.first_write (id INT PRIMARY KEY)"
    echo "primary 127.0.0.1:$PORT, replicas$(for i in $(seq 1 "$REPLICAS"); do
        printf ' 127.0.0.1:%s' $((PORT + i)); done)"
}

up()
{
    local i
    "${FLAVOR}_prepare"
    for i in $(each_server "$@"); do
        is_alive "$(pid_of "$DIR/$i")" && continue
        # The log is read for "ready": each start begins a new one and keeps the old.
        mv "$DIR/$i/log" "$DIR/$i/log.old"
        # What a crash left. The process is gone, but its number may answer: as a zombie, or reused.
        rm -f "$DIR/$i/s.sock" "$DIR/$i/s.sock.lock"
        "${FLAVOR}_launch" "$DIR/$i"
    done
    for i in $(each_server "$@"); do
        await_server "$DIR/$i"
    done
}

end_with() # SIGNAL [SERVER...]
{
    local signal=$1 dirs=() i
    shift
    for i in $(each_server "$@"); do
        dirs+=("$DIR/$i")
    done
    end_servers "$signal" "${dirs[@]}"
}

[ $# -ge 2 ] || { sed -n '2,17s/^# \{0,1\}//p' "$0" >&2; exit 2; }
command=$1
DIR=$2
shift 2
if [ "$command" = start ]; then
    [ $# -ge 2 ] || die "start needs a flavor and a port"
    FLAVOR=$1
    PORT=$2
    REPLICAS=${3:-2}
    OFFSET=$([ "${4:-}" = offset ] && echo 1 || echo 0)
    start
    exit
fi
if [ ! -f "$DIR/settings" ]; then
    [ "$command" = destroy ] && exit 0
    die "$DIR is no cluster"
fi
DIR=$(cd "$DIR" && pwd)
. "$DIR/settings"
case $command in
up) up "$@" ;;
stop) end_with TERM "$@" ;;
crash) end_with KILL "$@" ;;
sql)
    "${FLAVOR}_prepare"
    server=$1
    shift
    "${FLAVOR}_sql" "$DIR/$server" "$@"
    ;;
destroy)
    end_with KILL
    rm -rf "$DIR"
    ;;
*) die "unknown command '$command'" ;;
esac
