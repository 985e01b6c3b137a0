# shellcheck shell=bash
# Apache Cassandra: three nodes on three loopback addresses and one port, as its
# drivers take one port for a whole cluster.

CASSANDRA_LIB=$LIB/cassandra-$CASSANDRA_VERSION
CASSANDRA_NET=127.0.$((OFFSET / 100))
CASSANDRA_CQL=19042
CASSANDRA_STORAGE=19040
CASSANDRA_JMX=(19045 19046 19047)
# Fixed tokens spare each node the search for its own and the bootstrap.
CASSANDRA_TOKENS=(-9223372036854775808 -3074457345618258603 3074457345618258602)

cassandra_nodes() { echo cassandra-1 cassandra-2 cassandra-3; }

cassandra_fetch() {
	need_java
	need_ready
	need_jars "cassandra-$CASSANDRA_VERSION" "org.apache.cassandra:cassandra-all:$CASSANDRA_VERSION"
}

cassandra_ports() {
	local id=${1#cassandra-}
	echo "$CASSANDRA_NET.$id $(port "$CASSANDRA_CQL")"
	echo "$CASSANDRA_NET.$id $(port "$CASSANDRA_STORAGE")"
	echo "127.0.0.1 $(port "${CASSANDRA_JMX[id - 1]}")"
}

cassandra_before() { :; }

# cassandra_list PORT prints host:port of each node.
cassandra_list() {
	join , "$CASSANDRA_NET.1:$1" "$CASSANDRA_NET.2:$1" "$CASSANDRA_NET.3:$1"
}

cassandra_configure() {
	local id=${1#cassandra-} folder
	folder=$(folder_of "$1")
	# Group commits: a write is answered when it is on the disk, so that what is
	# recorded survives the death of every node; writes of 2 ms share a sync. Each
	# row keeps one of the concurrent writes until then, which so bound its rows a
	# second.
	# Every node is a seed, so that none waits for another; roles are read from
	# one replica, so that a client can log in as long as a node lives.
	cat >"$folder/cassandra.yaml" <<Y
cluster_name: notifyctl
num_tokens: 1
initial_token: "${CASSANDRA_TOKENS[id - 1]}"
auto_bootstrap: false
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
data_file_directories: [$folder/data]
commitlog_directory: $folder/commitlog
saved_caches_directory: $folder/saved_caches
hints_directory: $folder/hints
commitlog_sync: group
commitlog_sync_group_window: 2ms
commitlog_segment_size: 16MiB
seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: "$(cassandra_list "$(port "$CASSANDRA_STORAGE")")"}]}]
listen_address: $CASSANDRA_NET.$id
rpc_address: $CASSANDRA_NET.$id
native_transport_port: $(port "$CASSANDRA_CQL")
storage_port: $(port "$CASSANDRA_STORAGE")
endpoint_snitch: SimpleSnitch
authenticator: PasswordAuthenticator
authorizer: AllowAllAuthorizer
role_manager: CassandraRoleManager
auth_read_consistency_level: LOCAL_ONE
auto_snapshot: false
concurrent_reads: 16
concurrent_writes: 128
memtable_heap_space: 64MiB
memtable_offheap_space: 64MiB
networking_cache_size: 16MiB
Y
	cat >"$folder/logback.xml" <<'X'
<configuration><appender name="S" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %-5level %logger{1} %msg%n</pattern></encoder></appender><root level="INFO"><appender-ref ref="S"/></root></configuration>
X
}

# cassandra_modules prints what Cassandra reaches for inside the JDK.
cassandra_modules() {
	local module
	for module in java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch \
		java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry \
		java.rmi/sun.rmi.server java.rmi/sun.rmi.transport.tcp; do
		printf '%s\n' --add-exports "$module=ALL-UNNAMED"
	done
	for module in java.lang java.lang.reflect java.nio java.io java.util java.util.concurrent \
		java.util.concurrent.atomic sun.nio.ch jdk.internal.ref; do
		printf '%s\n' --add-opens "java.base/$module=ALL-UNNAMED"
	done
}

cassandra_start() {
	local folder modules agent
	folder=$(folder_of "$1")
	mapfile -t modules < <(cassandra_modules)
	agent=$(echo "$CASSANDRA_LIB"/jamm-*.jar)
	spawn "$1" "$JAVA" -Xms320m -Xmx320m -Xss512k -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
		-XX:-UsePerfData -XX:+ExitOnOutOfMemoryError -XX:MaxDirectMemorySize=128m \
		-Djdk.attach.allowAttachSelf=true -Dio.netty.tryReflectionSetAccessible=true \
		-javaagent:"$agent" "${modules[@]}" \
		-Dcassandra.config="file://$folder/cassandra.yaml" \
		-Dlogback.configurationFile="file://$folder/logback.xml" \
		-Dcassandra.storagedir="$folder" -Dcassandra.logdir="$folder" -Dcassandra-foreground=yes \
		-Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.ring_delay_ms=0 \
		-Dcassandra.superuser_setup_delay_ms=0 -Dcassandra.system_auth.default_rf=3 \
		-Dcassandra.auth_bcrypt_gensalt_log2_rounds=4 \
		-Dcassandra.jmx.local.port="$(port "${CASSANDRA_JMX[${1#cassandra-} - 1]}")" \
		-cp "$(class_path "$CASSANDRA_LIB")" org.apache.cassandra.service.CassandraDaemon
}

cassandra_await() { until_ready "$1" listens "$CASSANDRA_NET.${1#cassandra-}" "$(port "$CASSANDRA_CQL")"; }

# cassandra_converge waits until every node knows the others with their tokens
# and the one schema, and logs clients in.
cassandra_converge() {
	until_ready cassandra-1 "$LIB/ready" cassandra "$(cassandra_list "$(port "$CASSANDRA_CQL")")" cassandra cassandra
}

# The role is the one that Cassandra makes by itself.
cassandra_addresses() { echo "cassandra=cassandra://cassandra:cassandra@$(cassandra_list "$(port "$CASSANDRA_CQL")")"; }
