#!/bin/sh
# PostgreSQL 17 that takes TLS connections alone, with a master as RDS makes it: it may create roles and databases, but is not a superuser.
set -eu
bin=/usr/lib/postgresql/17/bin data=/var/lib/postgresql/data
mkdir -p "$data" /run/postgresql
install -o postgres -m 600 /certificates/tls.key /certificates/tls.crt /run/postgresql
chown postgres: "$data" /run/postgresql
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
as_postgres "$bin/initdb" --pgdata="$data" --username=postgres --auth-local=trust --auth-host=reject --no-sync
as_postgres "$bin/pg_ctl" --pgdata="$data" --options="-c listen_addresses=''" --wait start
as_postgres psql --username=postgres --set=ON_ERROR_STOP=1 --set=name="$POSTGRES_USER" --set=password="$POSTGRES_PASSWORD" --set=database="$POSTGRES_DB" <<'SQL'
CREATE ROLE :"name" LOGIN CREATEROLE CREATEDB PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"name";
SQL
as_postgres "$bin/pg_ctl" --pgdata="$data" --wait stop
printf 'local all postgres trust\nhostssl all all all scram-sha-256\n' >"$data/pg_hba.conf"
exec setpriv --reuid=postgres --regid=postgres --init-groups "$bin/postgres" -D "$data" -c listen_addresses='*' -c fsync=off -c jit=off \
  -c ssl=on -c ssl_cert_file=/run/postgresql/tls.crt -c ssl_key_file=/run/postgresql/tls.key -c max_connections=200
