# Starts a private PostgreSQL and says where; restarts it for each line of standard input; ends it, and removes every
# trace, when standard input ends: that is when whoever started this has died, however it died. Arguments: folder of the
# programs, port, more settings of the server.
set -eu
umask 077
programs=$1 port=$2
shift 2
cd /tmp
folder=$(mktemp -d /tmp/pytest-concurrent-postgres.XXXXXX)
trap 'rm -rf "$folder"' EXIT
printf 'a secret' > "$folder/password"
"$programs/initdb" --pgdata="$folder/data" --username=admin --pwfile="$folder/password" --encoding=UTF8 --locale=C \
    --auth-local=trust --auth-host=scram-sha-256 --no-sync > "$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
certificate() { # name, who signs it, extension
    openssl req -newkey rsa:2048 -nodes -keyout "$folder/$1.key" -out "$folder/$1.csr" -subj "/CN=$1" 2>> "$folder/log"
    printf '%s\n' "$3" > "$folder/$1.ext"
    openssl x509 -req -in "$folder/$1.csr" -extfile "$folder/$1.ext" -days 2 -out "$folder/$1.crt" $2 2>> "$folder/log"
}
certificate authority "-signkey $folder/authority.key" basicConstraints=critical,CA:TRUE
certificate stranger "-signkey $folder/stranger.key" basicConstraints=critical,CA:TRUE
signed="-CA $folder/authority.crt -CAkey $folder/authority.key -CAcreateserial"
certificate server "$signed" subjectAltName=DNS:localhost
certificate certified "$signed" subjectAltName=DNS:certified
printf '%s\n' 'local all all trust' 'hostssl all certified 127.0.0.1/32 cert' 'hostnossl all plain 127.0.0.1/32 trust' \
    'host all plain 127.0.0.1/32 reject' 'host all all 127.0.0.1/32 scram-sha-256' > "$folder/data/pg_hba.conf"
start() {
    "$programs/postgres" -D "$folder/data" -c port="$port" -c listen_addresses=127.0.0.1 -c ssl=on \
        -c unix_socket_directories="$folder" -c ssl_cert_file="$folder/server.crt" -c ssl_key_file="$folder/server.key" \
        -c ssl_ca_file="$folder/authority.crt" -c max_prepared_transactions=2 "$@" >> "$folder/log" 2>&1 < /dev/null &
}
stop() {
    kill -INT $!
    wait $! || true
}
start "$@"
echo "$folder"
while read -r _; do
    stop
    start "$@"
done
stop
