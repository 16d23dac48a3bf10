#!/bin/sh
# Makes the keys and passwords that docker-compose.yml mounts, each once: what is there is left alone.
#
#   scripts/make-secrets.sh [folder]    default: secrets/ in the project, which git ignores
#
# The folder is for its owner alone; the files in it are readable by all, since the containers that they are mounted
# into run as users of their own.
set -eu

dir=${1:-$(cd "$(dirname "$0")/.." && pwd)/secrets}
command -v openssl >/dev/null || {
	echo "make-secrets: openssl is needed for the signing key" >&2
	exit 1
}

mkdir -p "$dir"
chmod 700 "$dir"
umask 022

# make FILE COMMAND...: the command's output becomes the file, whole or not at all.
make() {
	file=$dir/$1
	shift
	[ ! -s "$file" ] || return 0
	"$@" >"$file.new"
	mv "$file.new" "$file"
	echo "made $file" >&2
}

make client.key head -c 32 /dev/urandom
make clickhouse.password openssl rand -hex 24
make signing.pem openssl genpkey -algorithm ed25519
make public.pem openssl pkey -in "$dir/signing.pem" -pubout
