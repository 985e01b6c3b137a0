# shellcheck shell=bash
# PostgreSQL: shard 0 has a primary and two streaming replicas, shard 1 a primary
# alone. A commit of shard 0 waits for one of the two replicas, so that a failover
# to whichever is further loses nothing that was answered.

POSTGRES_PORTS=(15431 15432 15433 15434)

postgres_nodes() { echo postgres-0-0 postgres-0-1 postgres-0-2 postgres-1-0; }

postgres_fetch() {
	local found
	found=$(postgres_programs) || {
		install_packages postgresql
		found=$(postgres_programs) || fail "postgresql is installed, but there is no initdb in /usr/lib/postgresql"
	}
	PG=$found
	if [ "$(id -u)" -eq 0 ]; then
		id postgres >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin postgres
	fi
}

# Debian keeps the programs of each version in a folder of its own; the newest.
postgres_programs() {
	local found
	found=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
	[ -x "$found" ] && dirname "$found" && return
	found=$(command -v initdb) && dirname "$(readlink -f "$found")"
}

# A replica that was promoted has no standby.signal: its shard failed over, and is
# made anew, as its old primary can no longer follow.
postgres_before() {
	local data node
	as_postgres test -x "$DIR" ||
		fail "user postgres, as whom Postgres runs, cannot enter $DIR; choose another folder with NOTIFYCTL_ENGINES_DIR"
	for data in "$DIR"/postgres-0-[12]/data; do
		if [ ! -d "$data" ] || [ -f "$data/standby.signal" ]; then continue; fi
		say "postgres shard 0 failed over; making it anew"
		for node in postgres-0-2 postgres-0-1 postgres-0-0; do
			end_node "$node" KILL
			rm -rf "$(folder_of "$node")"
		done
	done
}

# as_postgres COMMAND... runs a command as user postgres, as Postgres refuses to
# be root.
as_postgres() {
	local user=()
	[ "$(id -u)" -ne 0 ] || user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
	"${user[@]}" env LC_ALL=C.UTF-8 "$@"
}

postgres_port() {
	case $1 in
	postgres-0-*) port "${POSTGRES_PORTS[${1#postgres-0-}]}" ;;
	*) port "${POSTGRES_PORTS[3]}" ;;
	esac
}

postgres_ports() { echo "127.0.0.1 $(postgres_port "$1")"; }

postgres_sql() {
	local node=$1
	shift
	"$PG/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(postgres_port "$node")" -U postgres "$@"
}

postgres_configure() {
	local folder
	folder=$(folder_of "$1")
	chmod 755 "$folder"
	[ "$(id -u)" -ne 0 ] || chown postgres: "$folder"
	case $1 in
	*-0) postgres_make_primary "$1" "$folder/data" ;;
	*) postgres_make_replica "$1" "$folder/data" ;;
	esac
}

# The superuser, which tests of faults need, comes without a password; everyone
# else with one.
postgres_make_primary() {
	as_postgres "$PG/initdb" -D "$2" -U postgres -A trust -E UTF8 -N --no-instructions >>"$(log_of "$1")" 2>&1 ||
		fail_node "$1" "initdb cannot make its database"
	as_postgres tee "$2/pg_hba.conf" >/dev/null <<'C'
host all         postgres 127.0.0.1/32 trust
host replication postgres 127.0.0.1/32 trust
host all         all      127.0.0.1/32 scram-sha-256
C
	as_postgres tee -a "$2/postgresql.conf" >/dev/null <<C
listen_addresses = '127.0.0.1'
port = $(postgres_port "$1")
unix_socket_directories = ''
wal_level = replica
max_wal_senders = 10
hot_standby = on
wal_keep_size = 256MB
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 200ms
shared_buffers = 64MB
max_connections = 200
C
	[ "$1" != postgres-0-0 ] || as_postgres tee -a "$2/postgresql.conf" >/dev/null \
		<<<"synchronous_standby_names = 'ANY 1 (\"postgres-0-1\", \"postgres-0-2\")'"
}

postgres_make_replica() {
	local primary=${1%-*}-0 deadline=$((SECONDS + READY_SECONDS))
	until postgres_sql "$primary" -c 'SELECT 1' >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || fail_node "$primary" "does not answer, so that $1 cannot copy it"
		sleep 0.1
	done
	as_postgres "$PG/pg_basebackup" -h 127.0.0.1 -p "$(postgres_port "$primary")" -U postgres \
		-D "$2" -R -X stream -c fast >>"$(log_of "$1")" 2>&1 || fail_node "$1" "pg_basebackup cannot copy $primary"
	as_postgres sed -i "s/^primary_conninfo = '/&application_name=$1 /" "$2/postgresql.auto.conf"
	as_postgres tee -a "$2/postgresql.conf" >/dev/null <<C
port = $(postgres_port "$1")
# The first primary alone waits for replicas; a promoted one has none.
synchronous_standby_names = ''
C
}

postgres_start() {
	local user=()
	[ "$(id -u)" -ne 0 ] || user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
	spawn "$1" "${user[@]}" env LC_ALL=C.UTF-8 "$PG/postgres" -D "$(folder_of "$1")/data"
}

postgres_await() { until_ready "$1" postgres_sql "$1" -c 'SELECT 1'; }

# postgres_converge makes what clients log in to, once, and waits until the
# replicas stream; of a shard that failed over, whoever is primary now is left
# as it is until `reset`.
postgres_converge() {
	local primary
	for primary in postgres-0-0 postgres-1-0; do
		[ "$(postgres_sql "$primary" -c "SELECT count(*) FROM pg_database WHERE datname = 'notifyctl'")" = 1 ] && continue
		postgres_sql "$primary" -c 'SET synchronous_commit = local' \
			-c "CREATE ROLE $ENGINES_USER LOGIN CREATEDB PASSWORD '$ENGINES_PASSWORD'" \
			-c "CREATE DATABASE notifyctl OWNER $ENGINES_USER" ||
			fail_node "$primary" "its user and database cannot be made"
	done
	until_ready postgres-0-0 postgres_streams
}

postgres_streams() {
	[ "$(postgres_sql postgres-0-0 -c \
		"SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'quorum'")" = 2 ]
}

postgres_addresses() {
	local list=() i
	for i in 0 1 2; do list+=("127.0.0.1:$(postgres_port "postgres-0-$i")"); done
	echo "postgres-0=postgres://$ENGINES_USER:$ENGINES_PASSWORD@$(join , "${list[@]}")/notifyctl"
	echo "postgres-1=postgres://$ENGINES_USER:$ENGINES_PASSWORD@127.0.0.1:$(postgres_port postgres-1-0)/notifyctl"
	echo "postgres-0-superuser=postgres://postgres@$(join , "${list[@]}")/notifyctl"
	echo "postgres-1-superuser=postgres://postgres@127.0.0.1:$(postgres_port postgres-1-0)/notifyctl"
}
