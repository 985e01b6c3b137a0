# shellcheck shell=bash
# The processes of a set: one a node, known by its pid file and its folder.

# A process is ours only if its command line names its node's folder, so that a
# pid that the kernel has given to somebody else is never signalled.

# say TEXT... goes to standard error, as standard output is for data.
say() { printf 'engines: %s\n' "$*" >&2; }

fail() {
	say "$*"
	exit 1
}

# fail_node NODE TEXT... says what failed and shows the end of the node's log.
fail_node() {
	local node=$1 log
	shift
	log=$(log_of "$node")
	say "$node: $*; the end of its log, $log:"
	tail -n 30 "$log" >&2 2>/dev/null || say "there is no log"
	exit 1
}

folder_of() { echo "$DIR/$1"; }
log_of() { echo "$DIR/logs/$1.log"; }
pid_file_of() { echo "$DIR/pids/$1"; }

# pid_of NODE prints the pid of a node that runs.
pid_of() {
	local pid file
	file=$(pid_file_of "$1")
	[ -f "$file" ] || return 1
	pid=$(<"$file")
	# A process that has ended and was not waited for has no command line.
	tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$(folder_of "$1")/" || return 1
	echo "$pid"
}

running() { pid_of "$1" >/dev/null; }

# spawn NODE COMMAND... runs a command of its own session in the node's folder.
# The command must replace itself and never fork away, and name the folder.
spawn() {
	local node=$1 folder pid
	shift
	folder=$(folder_of "$node")
	(
		cd "$folder" || exit
		exec setsid "$@"
	) >>"$(log_of "$node")" 2>&1 </dev/null 9>&- &
	pid=$!
	disown "$pid"
	echo "$pid" >"$(pid_file_of "$node")"
}

# children_of PID prints the processes that a process has started; Postgres has
# some.
children_of() { cat "/proc/$1/task/$1/children" 2>/dev/null || true; }

# end_node NODE SIGNAL sends a signal and waits until the process has gone. KILL
# takes the children along, as a machine that dies does.
end_node() {
	local node=$1 signal=$2 pid all process
	pid=$(pid_of "$node") || return 0
	all=("$pid")
	[ "$signal" != KILL ] || read -ra all <<<"$pid $(children_of "$pid")"
	kill -s "$signal" "${all[@]}" 2>/dev/null || true
	# A process that is held still would not see the signal.
	kill -s CONT "${all[@]}" 2>/dev/null || true
	for process in "${all[@]}"; do
		until_gone "$process" || fail_node "$node" "its process $process does not end within $STOP_SECONDS s of SIG$signal"
	done
	rm -f "$(pid_file_of "$node")"
}

# signal_all NODE SIGNAL sends a signal to a node's process and its children.
signal_all() {
	local pid all
	pid=$(pid_of "$1") || return 1
	read -ra all <<<"$pid $(children_of "$pid")"
	kill -s "$2" "${all[@]}"
}

# until_gone PID waits for a process to end; a zombie has ended.
until_gone() {
	local deadline=$((SECONDS + STOP_SECONDS))
	while [ -r "/proc/$1/stat" ] && ! in_state "$1" ZX; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# in_state PID LETTERS says whether a process is in one of the states of proc(5).
in_state() { grep -qE "^[0-9]+ \(.*\) [$2] " "/proc/$1/stat" 2>/dev/null; }

# listens HOST PORT says whether somebody takes connections there.
listens() { (: <"/dev/tcp/$1/$2") 2>/dev/null; }

# until_ready NODE COMMAND... repeats a command until it succeeds; the node must
# live, and be ready within READY_SECONDS.
until_ready() {
	local node=$1 deadline=$((SECONDS + READY_SECONDS)) why
	shift
	until why=$("$@" 2>&1); do
		running "$node" || fail_node "$node" "has ended while it started"
		[ "$SECONDS" -lt "$deadline" ] || fail_node "$node" "is not ready after $READY_SECONDS s: ${why:-$*}"
		sleep 0.1
	done
}

# free_port NODE HOST PORT fails when somebody else listens there already.
free_port() {
	! listens "$2" "$3" ||
		fail "$1: $2:$3 is taken by a process that this set did not start; end it, or choose other ports with NOTIFYCTL_ENGINES_PORT_OFFSET"
}

# at_once COMMAND... runs `COMMAND ARG` for every word after a --, all at once,
# and fails if one does.
at_once() {
	local command=() pids=() status=0
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	shift
	for arg in "$@"; do
		"${command[@]}" "$arg" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || status=1; done
	return "$status"
}
