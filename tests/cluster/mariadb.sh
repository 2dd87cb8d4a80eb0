# mariadb.sh: sourced by cluster.sh. MariaDB as the machine has it (Debian: mariadb-server-core).

# Plugins that the machine's packages may not have (get-mariadb-plugins.sh).
MARIADB_VERSION=$(dpkg-query -W -f '${Version}' mariadb-server-core 2>/dev/null || true)
MARIADB_PLUGINS=$CACHE/mariadb-plugins-${MARIADB_VERSION#*:}

# What the accounts may do matters to the tests. The application must not have READ_ONLY ADMIN: with
# it, a write that was sent to a replica by mistake would succeed there and nobody would notice.
mariadb_accounts()
{
    cat <<'SQL'
CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';
GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
CREATE USER 'app'@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('app');
GRANT ALL ON *.* TO 'app'@'%' WITH GRANT OPTION;
REVOKE READ_ONLY ADMIN, SUPER ON *.* FROM 'app'@'%';
CREATE USER 'app2'@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('app2');
GRANT ALL ON *.* TO 'app2'@'%' WITH GRANT OPTION;
REVOKE READ_ONLY ADMIN, SUPER ON *.* FROM 'app2'@'%';
CREATE USER 'mon'@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('mon');
GRANT REPLICATION CLIENT, SLAVE MONITOR, BINLOG MONITOR, SELECT, SHOW VIEW, PROCESS
    ON *.* TO 'mon'@'%';
CREATE USER 'repl'@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('repl');
GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%';
CREATE DATABASE test;
SQL
}

# An init file cannot end the server (SHUTDOWN there hangs MariaDB), so it is ended from outside.
mariadb_make_template()
{
    local dir=$1
    # shellcheck disable=SC2046
    mariadb-install-db --no-defaults $(user_option) --auth-root-authentication-method=normal \
        --skip-test-db --datadir="$dir/data" --innodb-log-file-size=16M --skip-log-bin || return 1
    mariadb_accounts >"$dir/accounts.sql"
    # shellcheck disable=SC2046
    mariadbd --no-defaults $(user_option) --datadir="$dir/data" --socket="$dir/s.sock" \
        --innodb-log-file-size=16M --skip-networking --skip-log-bin \
        --init-file="$dir/accounts.sql" >"$dir/log" 2>&1 9>&- &
    echo $! >"$dir/pid"
    await_server "$dir"
    grep -q '\[ERROR\]' "$dir/log" && return 1
    end_servers TERM "$dir"
    rm -f "$dir"/data/*.err
    make_certificates "$dir/data"
}

mariadb_prepare()
{
    command -v mariadbd >/dev/null || die "mariadbd is missing (make deps)"
}

mariadb_template()
{
    template mariadb mariadb_make_template "$HERE/mariadb.sh"
}

# mariadb_options INDEX   what goes into my.cnf besides what both flavours share.
mariadb_options()
{
    cat <<'CNF'
innodb_log_file_size = 16M
innodb_log_buffer_size = 2M
log_slave_updates = ON
gtid_strict_mode = ON
relay_log = relay
slave_parallel_threads = 2
slave_net_timeout = 10
CNF
    cat <<CNF
ssl_ca = $DIR/$1/data/ca.pem
ssl_cert = $DIR/$1/data/server-cert.pem
ssl_key = $DIR/$1/data/server-key.pem
CNF
    [ ! -d "$MARIADB_PLUGINS" ] || echo "plugin_dir = $MARIADB_PLUGINS"
    # A replica is read-only from its first moment, also after a restart.
    [ "$1" = 0 ] || echo "read_only = ON"
}

mariadb_launch()
{
    # shellcheck disable=SC2046
    setsid mariadbd --defaults-file="$1/my.cnf" $(user_option) >>"$1/log" 2>&1 </dev/null 9>&- &
    echo $! >"$1/pid"
}

mariadb_sql()
{
    local dir=$1
    shift
    mariadb --no-defaults --user=root --socket="$dir/s.sock" "$@"
}

mariadb_position()
{
    mariadb_sql "$1" -NBe "SHOW MASTER STATUS" | cut -f1,2
}

# mariadb_follow SERVER_DIR PORT OF_PRIMARY [FILE OFFSET]   with a file and an offset: that kind of
# replication, without: GTID.
mariadb_follow()
{
    local dir=$1 port=$2 from="MASTER_USE_GTID = slave_pos"
    [ $# -lt 4 ] || from="MASTER_USE_GTID = no, MASTER_LOG_FILE = '$3', MASTER_LOG_POS = $4"
    mariadb_sql "$dir" -e "
        CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = $port, MASTER_USER = 'repl',
            MASTER_PASSWORD = 'repl', MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 1, $from;
        START SLAVE"
}

mariadb_is_following()
{
    [ "$(mariadb_sql "$1" -e 'SHOW SLAVE STATUS\G' | grep -c '_Running: Yes')" = 2 ]
}

mariadb_seal_replica()
{
    : # read_only stands in my.cnf
}
