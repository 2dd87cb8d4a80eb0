#!/usr/bin/env bash
# demo.sh BUILD   a MariaDB primary with two replicas in BUILD/demo, and BUILD/tidemark in front of
# them, until Ctrl-C. PORT says where Tidemark listens (6033), SERVER_PORT where the servers do
# (13306 and the two after it); without them, free ports near these are taken.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[ $# = 1 ] || die "usage: demo.sh BUILD"
program=$1/tidemark
folder=$1/demo
[ -x "$program" ] || die "$program is missing (make)"

# first_free PORT COUNT   the first of COUNT consecutive ports, from PORT upwards, that nobody holds
first_free()
{
    local port=$1 count=$2 i
    while :; do
        for ((i = 0; i < count; i++)); do
            (exec 3<>"/dev/tcp/127.0.0.1/$((port + i))") 2>/dev/null && break
        done
        [ "$i" -lt "$count" ] || break
        port=$((port + count))
    done
    echo "$port"
}

finish()
{
    trap - EXIT
    trap '' INT TERM
    echo
    echo "stopping"
    if [ -n "$proxy" ]; then
        kill -TERM "$proxy" 2>/dev/null || true
        wait "$proxy" 2>/dev/null || true
    fi
    "$HERE/cluster.sh" destroy "$folder/cluster"
    exit "${1:-0}"
}

listen=${PORT:-$(first_free 6033 1)}
servers=${SERVER_PORT:-$(first_free 13306 3)}
admin=${ADMIN_PORT:-$(first_free 16032 1)}
http=${HTTP_PORT:-$(first_free 16070 1)}
proxy=
mkdir -p "$folder"
"$HERE/cluster.sh" destroy "$folder/cluster" # what a killed demo left
rm -f "$folder/tidemark.log"                 # an older one says already that Tidemark listens

trap 'finish 1' EXIT
trap finish INT TERM
echo "starting a primary and two replicas in $folder/cluster"
"$HERE/cluster.sh" start "$folder/cluster" mariadb "$servers"

cat >"$folder/tidemark.ini" <<INI
[proxy]
listen = 127.0.0.1:$listen
admin = 127.0.0.1:$admin
http = 127.0.0.1:$http

[server db0]
address = 127.0.0.1:$servers

[server db1]
address = 127.0.0.1:$((servers + 1))

[server db2]
address = 127.0.0.1:$((servers + 2))

[monitor]
user = mon
password = mon

[user app]
password = app
INI

"$program" --config "$folder/tidemark.ini" 2>"$folder/tidemark.log" &
proxy=$!
await 15 grep -q 'listening on' "$folder/tidemark.log" || {
    cat "$folder/tidemark.log" >&2
    die "Tidemark did not start"
}

cat <<TEXT

Tidemark listens on 127.0.0.1:$listen; its configuration is $folder/tidemark.ini,
its log $folder/tidemark.log. In another terminal:

    mariadb --host=127.0.0.1 --port=$listen --user=app --password=app test

  Who answers a read? Every server keeps its own number in this table, 0 is the primary:
    SELECT id FROM whoami;
  A write goes to the primary, and the session reads what it wrote at once:
    CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY, note TEXT);
    INSERT INTO notes (note) VALUES ('hello');
    SELECT * FROM notes;
  A transaction stays on the primary:
    BEGIN; SELECT id FROM whoami; COMMIT;
  Stop one replica's applier; writes are still read at once, from where they are already:
    $HERE/cluster.sh sql $folder/cluster 1 -e 'STOP SLAVE SQL_THREAD'
  Why does a statement go where it goes?
    $program explain 'SELECT id FROM whoami'
  What is true at the moment, and how to change it (HELP lists the commands):
    mariadb --host=127.0.0.1 --port=$admin --user=admin --password=admin -e 'SHOW SERVERS'
    curl http://127.0.0.1:$http/metrics

Ctrl-C stops everything.
TEXT

status=0
wait "$proxy" || status=$?
proxy=
cat "$folder/tidemark.log" >&2
echo "Tidemark ended by itself (status $status)" >&2
finish 1
