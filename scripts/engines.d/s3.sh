# shellcheck shell=bash
# S3 by versitygw over a folder, in which a bucket is a folder.

S3_PORT=17070
S3_BUCKET=notifyctl
S3_REGION=us-east-1

s3_nodes() { echo s3; }

s3_fetch() {
	need curl curl
	need_versitygw
}

s3_before() { :; }

s3_ports() { echo "127.0.0.1 $(port "$S3_PORT")"; }

s3_configure() { mkdir -p "$(folder_of s3)/data/$S3_BUCKET"; }

s3_start() {
	spawn s3 "$LIB/versitygw-$VERSITYGW_VERSION" --access "$ENGINES_USER" --secret "$ENGINES_PASSWORD" \
		--region "$S3_REGION" --port "127.0.0.1:$(port "$S3_PORT")" --quiet --health /healthz \
		posix "$(folder_of s3)/data"
}

s3_await() { until_ready s3 curl -fsS "http://127.0.0.1:$(port "$S3_PORT")/healthz"; }

s3_converge() { :; }

# The two credentials go into the environment of whoever opens the address.
s3_addresses() {
	echo "s3=s3://$S3_BUCKET?endpoint=http://127.0.0.1:$(port "$S3_PORT")&region=$S3_REGION&use_path_style=true"
	echo "s3-access-key=$ENGINES_USER"
	echo "s3-secret-key=$ENGINES_PASSWORD"
}
