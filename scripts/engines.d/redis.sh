# shellcheck shell=bash
# Redis alone, and as a cluster of three masters with a replica each.

REDIS_PORT=16379
REDIS_CLUSTER_PORTS=(17001 17002 17003 17004 17005 17006) # the bus is at +10000

redis_nodes() { echo redis; }
redis_cluster_nodes() { echo redis-cluster-{1..6}; }

redis_fetch() {
	need redis-server redis-server
	need redis-cli redis-tools
}
redis_cluster_fetch() { redis_fetch; }

redis_before() { :; }
redis_cluster_before() { :; }

redis_port() {
	case $1 in
	redis) port "$REDIS_PORT" ;;
	*) port "${REDIS_CLUSTER_PORTS[${1#redis-cluster-} - 1]}" ;;
	esac
}

redis_ports() { echo "127.0.0.1 $(redis_port "$1")"; }
redis_cluster_ports() {
	redis_ports "$1"
	echo "127.0.0.1 $(($(redis_port "$1") + 10000))"
}

# Without a user clients may do everything, as in a private network; the named
# user is there to show wrong credentials.
redis_configure() {
	local folder
	folder=$(folder_of "$1")
	cat >"$folder/redis.conf" <<R
bind 127.0.0.1
port $(redis_port "$1")
dir $folder
daemonize no
# The title would hide the folder, by which a node's process is known.
set-proc-title no
save ""
appendonly yes
appendfsync everysec
maxmemory 256mb
maxmemory-policy noeviction
user $ENGINES_USER on >$ENGINES_PASSWORD ~* &* +@all
R
}

redis_cluster_configure() {
	redis_configure "$1"
	cat >>"$(folder_of "$1")/redis.conf" <<'R'
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 2000
# A replica stays its master's, so that the second fault of a test is like the first.
cluster-allow-replica-migration no
R
}

redis_start() { spawn "$1" redis-server "$(folder_of "$1")/redis.conf"; }
redis_cluster_start() { redis_start "$1"; }

redis_says() {
	local node=$1 pattern=$2
	shift 2
	redis-cli -h 127.0.0.1 -p "$(redis_port "$node")" "$@" | grep -qE "$pattern"
}

redis_await() { until_ready "$1" redis_says "$1" PONG ping; }
redis_cluster_await() { redis_await "$1"; }

redis_converge() { :; }

# redis_cluster_converge makes the cluster once, and waits until each node sees
# all slots served and each replica follows its master.
redis_cluster_converge() {
	local node nodes addresses=()
	read -ra nodes < <(redis_cluster_nodes)
	if ! redis_says redis-cluster-1 'cluster_known_nodes:6' cluster info; then
		for node in "${nodes[@]}"; do addresses+=("127.0.0.1:$(redis_port "$node")"); done
		redis-cli --cluster create "${addresses[@]}" --cluster-replicas 1 --cluster-yes \
			>>"$(log_of redis-cluster-1)" 2>&1 || fail_node redis-cluster-1 "the cluster cannot be made"
	fi
	for node in "${nodes[@]}"; do until_ready "$node" redis_cluster_serves "$node"; done
}

redis_cluster_serves() {
	redis_says "$1" 'cluster_state:ok' cluster info &&
		redis_says "$1" '(role:master|master_link_status:up)' info replication
}

redis_addresses() {
	echo "redis=redis://127.0.0.1:$(redis_port redis)"
	echo "redis-password=redis://$ENGINES_USER:$ENGINES_PASSWORD@127.0.0.1:$(redis_port redis)"
}

redis_cluster_addresses() {
	local port list=()
	for port in "${REDIS_CLUSTER_PORTS[@]}"; do list+=("127.0.0.1:$(port "$port")"); done
	echo "redis-cluster=redis://$(join , "${list[@]}")"
}
