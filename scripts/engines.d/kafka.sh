# shellcheck shell=bash
# Apache Kafka in KRaft mode: three nodes, each broker and controller, topics of
# three replicas with two in sync.

KAFKA_LIB=$LIB/kafka-$KAFKA_VERSION
KAFKA_PLAIN=(19091 19092 19093)
KAFKA_CONTROLLER=(19094 19095 19096)
KAFKA_SASL=(19097 19098 19099)
KAFKA_TLS=(19081 19082 19083)

kafka_nodes() { echo kafka-1 kafka-2 kafka-3; }

kafka_fetch() {
	need_java
	need openssl openssl
	need_ready
	need_jars "kafka-$KAFKA_VERSION" "org.apache.kafka:kafka_2.13:$KAFKA_VERSION" \
		"org.apache.logging.log4j:log4j-slf4j-impl:$KAFKA_LOG4J_VERSION"
}

kafka_ports() {
	local i=$((${1#kafka-} - 1))
	local port
	for port in "${KAFKA_PLAIN[i]}" "${KAFKA_CONTROLLER[i]}" "${KAFKA_SASL[i]}" "${KAFKA_TLS[i]}"; do
		echo "127.0.0.1 $(port "$port")"
	done
}

kafka_before() { [ -f "$DIR/tls/ca.pem" ] || make_certificates; }

# The listener TLS shows a certificate of an authority of the set's own, whose
# certificate is DIR/tls/ca.pem.
make_certificates() {
	local tls=$DIR/tls
	rm -rf "$tls"
	mkdir -p "$tls.new"
	(
		cd "$tls.new"
		openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=notifyctl engines' \
			-keyout ca.key -out ca.pem
		openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout key.pem -out request.pem
		openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 \
			-extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1') -out certificate.pem
		cat key.pem certificate.pem >server.pem
	) >"$DIR/logs/openssl.log" 2>&1 || fail "openssl could not make a certificate; its log is $DIR/logs/openssl.log"
	mv "$tls.new" "$tls"
}

# kafka_list NAME... prints host:port of each broker's port in an array.
kafka_list() {
	local -n ports=$1
	local list=() port
	for port in "${ports[@]}"; do list+=("127.0.0.1:$(port "$port")"); done
	join , "${list[@]}"
}

kafka_configure() {
	local id=${1#kafka-} folder
	local i=$((id - 1))
	folder=$(folder_of "$1")
	# The cleaner's buffer would otherwise take half of the heap.
	cat >"$folder/server.properties" <<P
process.roles=broker,controller
node.id=$id
controller.quorum.voters=1@127.0.0.1:$(port "${KAFKA_CONTROLLER[0]}"),2@127.0.0.1:$(port "${KAFKA_CONTROLLER[1]}"),3@127.0.0.1:$(port "${KAFKA_CONTROLLER[2]}")
listeners=PLAINTEXT://127.0.0.1:$(port "${KAFKA_PLAIN[i]}"),CONTROLLER://127.0.0.1:$(port "${KAFKA_CONTROLLER[i]}"),SASL://127.0.0.1:$(port "${KAFKA_SASL[i]}"),TLS://127.0.0.1:$(port "${KAFKA_TLS[i]}")
advertised.listeners=PLAINTEXT://127.0.0.1:$(port "${KAFKA_PLAIN[i]}"),SASL://127.0.0.1:$(port "${KAFKA_SASL[i]}"),TLS://127.0.0.1:$(port "${KAFKA_TLS[i]}")
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_$ENGINES_USER="$ENGINES_PASSWORD";
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.tls.ssl.keystore.type=PEM
listener.name.tls.ssl.keystore.location=$DIR/tls/server.pem
log.dirs=$folder/data
auto.create.topics.enable=false
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
# The default, 6 s, would make every test of a lost worker as slow.
group.min.session.timeout.ms=200
# A dead broker is noticed within 3 s, a dead controller within 1.5 s.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.fetch.timeout.ms=1500
controller.quorum.election.timeout.ms=500
replica.lag.time.max.ms=5000
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=4194304
P
	cat >"$folder/log4j2.properties" <<'P'
rootLogger.level=WARN
rootLogger.appenderRef.o.ref=out
appender.o.type=Console
appender.o.name=out
appender.o.layout.type=PatternLayout
appender.o.layout.pattern=[%d] %p %m (%c)%n
P
	"$JAVA" -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
		-Dlog4j2.configurationFile="file:$folder/log4j2.properties" \
		-cp "$(class_path "$KAFKA_LIB")" kafka.tools.StorageTool format \
		-t AAAAAAAAQACAAAAAAAAAAQ -c "$folder/server.properties" \
		--add-scram "SCRAM-SHA-256=[name=$ENGINES_USER,password=$ENGINES_PASSWORD]" \
		--add-scram "SCRAM-SHA-512=[name=$ENGINES_USER,password=$ENGINES_PASSWORD]" \
		>>"$(log_of "$1")" 2>&1 || fail_node "$1" "its data folder cannot be formatted"
}

kafka_start() {
	local folder
	folder=$(folder_of "$1")
	spawn "$1" "$JAVA" -Xms256m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
		-XX:-UsePerfData -XX:+ExitOnOutOfMemoryError -Djava.net.preferIPv4Stack=true \
		-Dlog4j2.configurationFile="file:$folder/log4j2.properties" \
		-cp "$(class_path "$KAFKA_LIB")" kafka.Kafka "$folder/server.properties"
}

# A broker serves as soon as a quorum of controllers knows of it; alone it waits.
kafka_await() {
	local others
	others=$(count_running kafka)
	[ "$others" -ge 2 ] || return 0
	until_ready "$1" listens 127.0.0.1 "$(port "${KAFKA_PLAIN[${1#kafka-} - 1]}")"
}

# kafka_converge waits until every broker is registered and every partition has
# all of its replicas in sync.
kafka_converge() { until_ready kafka-1 "$LIB/ready" kafka "$(kafka_list KAFKA_PLAIN)"; }

kafka_addresses() {
	echo "kafka=$(kafka_list KAFKA_PLAIN)"
	echo "kafka-sasl=kafka://$ENGINES_USER:$ENGINES_PASSWORD@$(kafka_list KAFKA_SASL)"
	echo "kafka-tls=kafka://$(kafka_list KAFKA_TLS)?ca=$DIR/tls/ca.pem"
}
