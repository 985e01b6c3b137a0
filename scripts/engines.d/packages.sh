# shellcheck shell=bash
# What the engines are made of: Debian packages where a command is missing, jars
# by Maven, versitygw by Go. Jars and programs are kept in LIB by their version.

# need COMMAND PACKAGE... installs packages where the command is missing.
need() {
	command -v "$1" >/dev/null && return
	install_packages "${@:2}"
	command -v "$1" >/dev/null || fail "$1 is missing although ${*:2} is installed"
}

install_packages() {
	local as_root=() log=$DIR/logs/apt.log
	command -v apt-get >/dev/null || fail "$* is missing, and there is no apt-get to install it by; install it and try again"
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || fail "$* is missing; install it as root, or run this as root"
		as_root=(sudo)
	fi
	say "installing $*"
	# Engines run from the set's folder: no package may start one of its own.
	if ! {
		"${as_root[@]}" apt-get update -qq &&
			"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
				apt-get install -y -qq --no-install-recommends "$@"
	} >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		fail "apt-get could not install $*; its log is $log"
	fi
}

# java17 prints a Java 17, which Cassandra insists on: later ones lack what it
# calls. Debian keeps each version in a folder of its own.
java17() {
	local java
	for java in "${JAVA17_HOME:-/nowhere}/bin/java" /usr/lib/jvm/java-17-openjdk-*/bin/java; do
		[ -x "$java" ] && echo "$java" && return
	done
	return 1
}

need_java() {
	java17 >/dev/null || install_packages openjdk-17-jre-headless
	# shellcheck disable=SC2034 # the engines' files read it
	JAVA=$(java17) || fail "there is no Java 17 in /usr/lib/jvm; install openjdk-17-jre-headless, or name another by JAVA17_HOME"
}

# need_jars NAME-VERSION GROUP:ARTIFACT:VERSION... has Maven copy artifacts and
# all that they need at run time into LIB/NAME-VERSION.
need_jars() {
	local name=$1 work=$LIB/$1.new artifact group id version
	shift
	[ -d "$LIB/$name" ] && return
	need mvn maven
	say "fetching the jars of $name"
	rm -rf "$work"
	mkdir -p "$work"
	{
		echo '<project xmlns="http://maven.apache.org/POM/4.0.0">'
		echo '<modelVersion>4.0.0</modelVersion><packaging>pom</packaging>'
		echo '<groupId>notifyctl</groupId><artifactId>engine</artifactId><version>1</version><dependencies>'
		for artifact in "$@"; do
			IFS=: read -r group id version <<<"$artifact"
			echo "<dependency><groupId>$group</groupId><artifactId>$id</artifactId><version>$version</version></dependency>"
		done
		echo '</dependencies></project>'
	} >"$work/pom.xml"
	if ! mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies \
		-DoutputDirectory="$work" -DincludeScope=runtime >"$DIR/logs/maven.log" 2>&1; then
		tail -n 20 "$DIR/logs/maven.log" >&2
		fail "Maven could not fetch the jars of $name; its log is $DIR/logs/maven.log"
	fi
	mv "$work" "$LIB/$name"
}

class_path() {
	local jars=("$1"/*.jar)
	(
		IFS=:
		echo "${jars[*]}"
	)
}

need_go() {
	command -v go >/dev/null || fail "go is missing; install the Go that go.mod names"
}

# need_ready builds the program that asks Kafka and Cassandra whether they are
# ready, each in its own protocol.
need_ready() {
	need_go
	(cd "$ROOT" && go build -o "$LIB/ready" ./scripts/engines.d/ready 2>"$DIR/logs/go.log") || {
		cat "$DIR/logs/go.log" >&2
		fail "go could not build scripts/engines.d/ready"
	}
}

need_versitygw() {
	[ -x "$LIB/versitygw-$VERSITYGW_VERSION" ] && return
	need_go
	say "building versitygw $VERSITYGW_VERSION"
	GOBIN=$LIB/versitygw.new go install "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW_VERSION" 2>"$DIR/logs/go.log" || {
		tail -n 20 "$DIR/logs/go.log" >&2
		fail "go could not install versitygw $VERSITYGW_VERSION; its log is $DIR/logs/go.log"
	}
	mv "$LIB/versitygw.new/versitygw" "$LIB/versitygw-$VERSITYGW_VERSION"
	rmdir "$LIB/versitygw.new"
}
