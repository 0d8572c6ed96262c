"""Where a server is, as the engine takes it, found out through the project's own driver."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from ssl import CERT_REQUIRED
from typing import Any

from pytest_concurrent.django.access import cursor_aside
from pytest_concurrent.exceptions import UnsupportedDatabase

#: What libpq was told that the engine does the same way, or that does not matter to it: who is
#: reached and as whom stays the same. None = whatever the value.
_POSTGRESQL: dict[str, frozenset[str] | None] = {
    **dict.fromkeys(
        (
            *("host", "port", "user", "password", "passfile", "dbname", "connect_timeout"),
            *("service", "servicefile", "application_name", "fallback_application_name"),
            *("client_encoding", "keepalives", "keepalives_idle", "keepalives_interval"),
            *("keepalives_count", "tcp_user_timeout", "load_balance_hosts", "tty", "authtype"),
            *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslsni", "sslcompression"),
            *("krbsrvname", "gsslib", "gssdelegation", "hostaddr", "options"),
            *("min_protocol_version", "max_protocol_version"),
        ),
        None,
    ),
    "channel_binding": frozenset({"prefer", "disable"}),
    "gssencmode": frozenset({"prefer", "disable"}),
    "replication": frozenset({"false", "off", "no", "0"}),
    "ssl_min_protocol_version": frozenset({"TLSv1", "TLSv1.1", "TLSv1.2"}),
    "sslcertmode": frozenset({"allow", "disable"}),
    "sslnegotiation": frozenset({"postgres"}),
    "target_session_attrs": frozenset({"any"}),
}

#: Settings that an `options` of libpq may carry without anybody becoming somebody else.
_SETTING = re.compile(r"(?:-c\s*|--)(?!role\b|session[_-]authorization\b)\w[\w.-]*=(?:\\.|\S)*")

#: The same for MySQL's drivers.
_MYSQL = frozenset(
    {
        *("host", "port", "unix_socket", "user", "password", "passwd", "database", "db"),
        *("ssl", "ssl_mode", "ssl_ca", "ssl_cert", "ssl_key", "connect_timeout", "read_timeout"),
        *("write_timeout", "charset", "collation", "use_unicode", "sql_mode", "init_command"),
        *("conv", "client_flag", "cursorclass", "autocommit", "local_infile", "binary_prefix"),
        *("program_name", "max_allowed_packet", "auth_plugin_map"),
    }
)

_MYSQL_TLS = {
    "DISABLED": "disable",
    "PREFERRED": "prefer",
    "REQUIRED": "require",
    "VERIFY_CA": "verify-ca",
    "VERIFY_IDENTITY": "verify-full",
}

Target = dict[str, Any]


def postgresql(connection: Any) -> Target:
    """Where a PostgreSQL server is, after libpq has looked at everything that it looks at.

    Raises:
        UnsupportedDatabase: Something among it the engine does not know.
    """
    with cursor_aside(connection) as cursor:
        driver = cursor.db.connection
        info, told = driver.info, _told(driver)
        in_use = bool(info.ssl_in_use if hasattr(info, "ssl_in_use") else driver.pgconn.ssl_in_use)
        target: Target = {
            "vendor": "postgresql",
            "port": int(info.port),
            "user": info.user,
            "password": info.password or None,
            "maintenance": info.dbname,
            "role": connection.settings_dict["OPTIONS"].get("assume_role"),
            **_timeout(told.get("connect_timeout")),
        }
        host = str(info.host)
    for name, value in told.items():
        _check_postgresql(name, value)
    if host.startswith("/"):
        return {**target, "socket": host}
    if host.startswith("@") or not host:
        raise UnsupportedDatabase(f"its host is {host!r}")
    tls = _postgresql_tls(told, in_use=in_use)
    if told.get("hostaddr"):
        if tls["mode"] != "verify-full":
            host = told["hostaddr"]
        elif not _leads_to(host, told["hostaddr"]):
            raise UnsupportedDatabase("it is reached at an address, verified by another name")
    return {**target, "host": host, "tls": tls}


def _leads_to(host: str, address: str) -> bool:
    """Whether a name has an address: psycopg resolves names itself and tells libpq both."""
    with suppress(OSError):
        return any(found[4][0] == address for found in socket.getaddrinfo(host, None))
    return False


def _told(driver: Any) -> dict[str, str]:
    """What libpq was told by settings, environment, service and password files."""
    if hasattr(driver, "pgconn"):
        return {
            option.keyword.decode(): option.val.decode()
            for option in driver.pgconn.info
            if option.val
        }
    return {name: value for name, value in driver.info.dsn_parameters.items() if value}


def _check_postgresql(name: str, value: str) -> None:
    accepted = _POSTGRESQL.get(name, frozenset())
    if name == "options":
        known = not _SETTING.sub("", value).strip()
    else:
        known = accepted is None or value in accepted
    if not known:
        # Never the value: it may be a secret.
        raise UnsupportedDatabase(f"its connection option {name!r} is not known to the engine")


def _postgresql_tls(told: Mapping[str, str], *, in_use: bool) -> dict[str, Any]:
    mode = told.get("sslmode", "prefer")
    if not in_use:
        return {"mode": "disable"}
    root = told.get("sslrootcert") or _default("root.crt")
    if root == "system":
        root, mode = None, "verify-full"
    elif root and mode == "require":
        mode = "verify-ca"  # libpq verifies wherever it has authorities
    files = {
        "ca": root,
        "cert": told.get("sslcert") or _default("postgresql.crt"),
        "key": told.get("sslkey") or _default("postgresql.key"),
    }
    if told.get("sslcertmode") == "disable" or not files["cert"]:
        files["cert"] = files["key"] = None
    return {"mode": "require" if mode in {"allow", "prefer"} else mode, **files}


def _default(name: str) -> str | None:
    """A file that libpq takes without being told."""
    path = Path.home() / ".postgresql" / name
    return str(path) if path.is_file() else None


def mysql(connection: Any) -> Target:
    """Where a MySQL or MariaDB server is.

    Raises:
        UnsupportedDatabase: Something among the options the engine does not know.
    """
    with cursor_aside(connection) as cursor:
        told = connection.get_connection_params()
        for name in told:
            if name not in _MYSQL:
                raise UnsupportedDatabase(
                    f"its connection option {name!r} is not known to the engine"
                )
        cursor.execute("SELECT SUBSTRING_INDEX(USER(), '@', 1), @@socket, @@port")
        user, socket, port = cursor.fetchone()
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        in_use = bool((cursor.fetchone() or ("", ""))[1])
        by_socket = "UNIX socket" in _text(cursor.db.connection.get_host_info())
    target: Target = {
        "vendor": "mysql",
        "user": _text(user),
        "password": told.get("password") or told.get("passwd") or None,
        **_timeout(told.get("connect_timeout")),
    }
    if by_socket:
        return {**target, "socket": _text(told.get("unix_socket") or socket)}
    host = told.get("host") or "127.0.0.1"
    tls = _mysql_tls(told) if in_use else {"mode": "disable"}
    return {**target, "host": host, "port": int(told.get("port") or port), "tls": tls}


#: Values of PyMySQL's ``verify_mode`` that demand a certificate.
_VERIFIES = (True, "required", "true", "yes", "1", CERT_REQUIRED)


def _mysql_tls(told: Mapping[str, Any]) -> dict[str, Any]:
    ssl = told.get("ssl") or {}
    if ssl is True:
        ssl = {}
    known = {"ca", "cert", "key", "check_hostname"}
    if isinstance(ssl, Mapping) and ssl.get("ca") and ssl.get("verify_mode") in _VERIFIES:
        known.add("verify_mode")  # which is what an authority means here anyway
    if not isinstance(ssl, Mapping) or not known.issuperset(ssl):
        raise UnsupportedDatabase("its option 'ssl' has more in it than the engine knows")
    files = {name: ssl.get(name) or told.get(f"ssl_{name}") for name in ("ca", "cert", "key")}
    asked = str(told.get("ssl_mode", "")).upper()
    if asked in _MYSQL_TLS:
        mode = _MYSQL_TLS[asked]
    else:
        by_name = bool(ssl.get("check_hostname", _checks_names()))
        mode = ("verify-full" if by_name else "verify-ca") if files["ca"] else "require"
    return {
        "mode": "require" if mode == "prefer" else mode,
        **{name: str(path) if path else None for name, path in files.items()},
    }


def _checks_names() -> bool:
    """Whether the driver compares names where it was given authorities only: PyMySQL does."""
    from django.db.backends.mysql.base import Database

    return "pymysql" in str(getattr(Database, "__name__", ""))


def _timeout(seconds: object) -> Target:
    try:
        number = int(str(seconds))
    except ValueError:
        return {}
    return {"connect_timeout": max(number, 2)} if number > 0 else {}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
