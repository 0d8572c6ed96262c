"""URLs of database servers, as SQLAlchemy and libpq write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote

from pytest_concurrent.exceptions import ConfigurationException, UnsupportedDatabase

#: What the engine is called, by the first word of the scheme.
_ENGINES = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}

#: Parameters that would lead a connection to another database than the one that the URL names.
_LEADS_ELSEWHERE = frozenset({"dbname", "database", "db"})

#: Parameters that say where the server is or who we are, in the words of libpq and SQLAlchemy.
_PLACES = frozenset({"host", "port", "user", "username", "password", "passwd", "unix_socket"})

#: Parameters that change neither which server is reached nor what a database is made of.
_HARMLESS = frozenset(
    {
        "application_name",
        "autocommit",
        "charset",
        "client_encoding",
        "connect_timeout",
        "fallback_application_name",
        "gssencmode",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "local_infile",
        "prepare_threshold",
        "prepared_statement_cache_size",
        "read_timeout",
        "tcp_user_timeout",
        "use_unicode",
        "write_timeout",
    }
)

#: How TLS is demanded in the words of MySQL's clients, in libpq's.
_MYSQL_MODES = {
    "DISABLED": "disable",
    "PREFERRED": "prefer",
    "REQUIRED": "require",
    "VERIFY_CA": "verify-ca",
    "VERIFY_IDENTITY": "verify-full",
}
_POSTGRES_MODES = frozenset({"disable", "prefer", "require", "verify-ca", "verify-full"})
_TLS_FILES = {
    "sslrootcert": "ca",
    "sslcert": "cert",
    "sslkey": "key",
    "ssl_ca": "ca",
    "ssl_cert": "cert",
    "ssl_key": "key",
}
_SWITCHES = frozenset({"1", "true", "yes", "on"})

#: Parameters that PyMySQL and mysqlclient want as numbers.
_NUMBERS = frozenset({"connect_timeout", "read_timeout", "write_timeout"})

_SCHEME = re.compile(r"([A-Za-z0-9]+)(?:\+([A-Za-z0-9_]+))?://", re.ASCII)
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FORM = "engine://user:password@host:port/database"


@dataclass(frozen=True)
class DatabaseUrl:
    """A server, and who we are there.

    Its `repr` and `place` show neither user nor password nor parameters.

    Attributes:
        scheme: The engine and its driver as they were written: ``postgresql+psycopg``.
        engine: ``postgresql``, ``mysql`` (MariaDB too) or ``sqlite``.
        driver: The driver that was named; empty if none was.
        authority: User, password, host and port as they were written.
        user: The user; None = the driver's default.
        password: The password.
        host: Host name or address; several with commas between them; None with a socket.
        port: The port; None = the engine's own.
        socket: PostgreSQL: the folder of the socket; MySQL and MariaDB: the socket.
        database: The database, or SQLite's file.
        query: The other parameters.
        source: Where the URL was written, in words for people.
    """

    scheme: str
    engine: str
    driver: str = ""
    authority: str = field(default="", repr=False)
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    socket: str | None = None
    database: str = ""
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    source: str = field(default="the URL", compare=False)

    @property
    def place(self) -> str:
        """The URL as messages show it: without user, password and parameters."""
        if self.engine == "sqlite":
            return f"{self.scheme}:///{self.database}"
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{self.host or self.socket or ''}{port}/{self.database}"

    def with_database(self, name: str) -> str:
        """The same URL, as it was written, for another database.

        Args:
            name: The database, or SQLite's file.
        """
        # Paths are not escaped: SQLAlchemy 2.0 and most others do not decode them.
        path = name if self.engine == "sqlite" else quote(name, safe="")
        query = "&".join(f"{quote(key)}={quote(value, safe='/')}" for key, value in self.query)
        return f"{self.scheme}://{self.authority}/{path}{'?' if query else ''}{query}"

    def params(self, name: str) -> dict[str, Any]:
        """Keyword arguments for the driver's ``connect``.

        Args:
            name: The database, or SQLite's file.
        """
        if self.engine == "sqlite":
            return {"database": name}
        named = "dbname" if self.engine == "postgresql" and self.driver != "asyncpg" else "database"
        params: dict[str, Any] = dict(self._own_parameters())
        params |= {"user": self.user, "password": self.password, "port": self.port, named: name}
        if self.engine == "mysql":
            params |= {"host": self.host, "unix_socket": self.socket}
        else:
            params["host"] = self.host or self.socket
        return {key: value for key, value in params.items() if value is not None}

    def target(self) -> dict[str, Any]:
        """Where the server is, as the engine takes it.

        Raises:
            UnsupportedDatabase: A parameter may lead where only the project's driver can follow.
        """
        unknown = sorted(self._unknown())
        if unknown:
            raise UnsupportedDatabase(
                f"{self.source}: only the project's driver understands {', '.join(unknown)}"
            )
        if self.host is not None and "," in self.host:
            raise UnsupportedDatabase(f"{self.source}: it names several hosts")
        tls = self._tls()
        target = {
            "vendor": self.engine,
            "host": self.host,
            "port": self.port,
            "socket": self.socket,
            "user": self.user,
            "password": self.password,
            "connect_timeout": self._connect_timeout(),
            "tls": tls or None,
        }
        return {key: value for key, value in target.items() if value is not None}

    def _own_parameters(self) -> Iterator[tuple[str, Any]]:
        files = {}
        for key, value in self.query:
            if key in _TLS_FILES and self.engine == "mysql" and self.driver != "pymysql":
                files[_TLS_FILES[key]] = value  # mysqlclient wants them in one dictionary
            elif key not in _PLACES:
                number = self.engine == "mysql" and key in _NUMBERS and value.isdecimal()
                yield key, int(value) if number else value
        if files:
            yield "ssl", files

    def _unknown(self) -> Iterator[str]:
        tls = {"sslmode", "ssl_mode", "ssl-mode", "ssl_disabled", "ssl_verify_cert"}
        tls |= {"ssl_verify_identity", *_TLS_FILES}
        for key, value in self.query:
            if key not in tls | _HARMLESS | _PLACES:
                yield key
            elif key == "sslmode" and value not in _POSTGRES_MODES:
                yield f"{key}={value}" if value.isalpha() else key

    def _connect_timeout(self) -> int | None:
        value = dict(self.query).get("connect_timeout", "")
        return int(value) if value.isdecimal() and int(value) > 0 else None

    def _tls(self) -> dict[str, str]:
        given = dict(self.query)
        tls = {ours: given[theirs] for theirs, ours in _TLS_FILES.items() if theirs in given}
        mode = given.get("sslmode") if self.engine == "postgresql" else _mysql_mode(given)
        if mode:
            tls["mode"] = mode
        elif tls and self.engine == "mysql":
            # Who names an authority wants it checked; a certificate alone wants encryption.
            tls["mode"] = "verify-ca" if "ca" in tls else "require"
        return tls


def parse(text: str, source: str = "the URL") -> DatabaseUrl:
    """Read a URL.

    Args:
        text: The URL.
        source: Where it was written, for messages.

    Raises:
        ConfigurationException: It cannot be read. The message quotes nothing of it but the
            scheme, for what looks like a host may be the rest of a password.
    """
    try:
        return _parse(text, source)
    except ValueError as error:
        raise ConfigurationException(
            f"{source} is not the URL of a database: {error}",
            hint=f"Write {_FORM}, and in user and password %2F for /, %3A for :, %40 for @, "
            "%23 for #, %3F for ? and %25 for %.",
        ) from None


def _parse(text: str, source: str) -> DatabaseUrl:
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError("it holds a space or a control character")
    found = _SCHEME.match(text)
    if found is None:
        raise ValueError("it does not begin with an engine and ://")
    engine = _ENGINES.get(found[1].lower())
    if engine is None:
        raise ValueError(f"expected one of {', '.join(f'{name}://' for name in _ENGINES)}")
    # What SQLAlchemy calls a scheme is in small letters.
    scheme, driver = found[0].removesuffix("://").lower(), (found[2] or "").lower()
    rest, _, query_text = text[found.end() :].partition("?")
    authority, _, database = rest.partition("/")
    if engine != "sqlite" and ("#" in text or "/" in database or "@" in database + query_text):
        # Probably the rest of a password, which must not pass for something that can be shown.
        raise ValueError("a /, #, ? or @ of a password is not escaped")
    query = dict(_query(query_text))
    kind = DatabaseUrl(scheme, engine, driver, query=tuple(query.items()), source=source)
    if engine == "sqlite":
        return _with_file(kind, authority, database, query)
    return _with_server(kind, authority, _decoded(database), query)


def _with_file(kind: DatabaseUrl, authority: str, path: str, query: dict[str, str]) -> DatabaseUrl:
    if authority:
        raise ValueError("SQLite has no host: write sqlite:/// before the path of a file")
    if path.startswith("file:") or query.get("uri", "").lower() in _SWITCHES:
        raise ValueError("SQLite's own file: addresses are not taken, write the path of a file")
    return replace(kind, database="" if path == ":memory:" else path)


def _with_server(
    kind: DatabaseUrl, authority: str, database: str, query: dict[str, str]
) -> DatabaseUrl:
    user, password, host, port = _authority(authority)
    host = _once(host, query, "host")
    socket = query.get("unix_socket") if kind.engine == "mysql" else None
    if host is not None and host.startswith("/"):
        host, socket = None, host
    return replace(
        kind,
        authority=authority,
        user=_once(user, query, "user", "username"),
        password=_once(password, query, "password", "passwd"),
        host=host,
        port=_port(_once(port, query, "port") or ""),
        socket=socket,
        database=database,
    )


def _once(value: str | None, query: dict[str, str], *keys: str) -> str | None:
    """What was said before the ? or after it; drivers disagree about which of two counts."""
    values = [one for one in (value, *map(query.get, keys)) if one is not None]
    if len(values) > 1:
        raise ValueError(f"the {keys[0]} is given twice")
    return values[0] if values else None


def _authority(text: str) -> tuple[str | None, str | None, str | None, str | None]:
    """User, password, host and port."""
    credentials, at, address = text.rpartition("@")
    user, colon, password = credentials.partition(":")
    # Several hosts are the driver's to understand.
    if "," in address:
        host, port = address, ""
    elif address.startswith("["):
        host, bracket, port = address[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ValueError("the address in brackets does not end")
        port = port[1:]
    else:
        host, _, port = address.partition(":")
    if ":" in port or "[" in host or "]" in host:
        raise ValueError("the host is none")
    return (
        _decoded(user) if at and user else None,
        _decoded(password) if colon else None,
        _decoded(host) or None,
        port or None,
    )


def _port(text: str) -> int | None:
    if not text:
        return None
    # Longer texts of digits would take int() long to read, and are no port either.
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or not 1 <= int(text) <= 65535:
        raise ValueError("the port is not a number from 1 to 65535")
    return int(text)


def _query(text: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for pair in filter(None, text.split("&")):
        key, equals, value = pair.partition("=")
        key = _decoded(key)
        if not equals or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", key, re.ASCII):
            raise ValueError("after the ? come pairs of name=value with & between them")
        if key in _LEADS_ELSEWHERE:
            raise ValueError(f"the parameter {key} overrides the database before the ?")
        if key in seen:
            raise ValueError(f"the parameter {key} is given twice")
        seen.add(key)
        yield key, _decoded(value)


def _decoded(text: str) -> str:
    if _PERCENT.search(text):
        raise ValueError("after a % come two hexadecimal digits")
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("what is escaped with % is no UTF-8") from None
    if "\0" in decoded:
        raise ValueError("it holds a null character")
    return decoded


def _mysql_mode(given: dict[str, str]) -> str | None:
    if given.get("ssl_disabled", "").lower() in _SWITCHES:
        return "disable"
    if given.get("ssl_verify_identity", "").lower() in _SWITCHES:
        return "verify-full"
    if given.get("ssl_verify_cert", "").lower() in _SWITCHES:
        return "verify-ca"
    mode = given.get("ssl_mode", given.get("ssl-mode", ""))
    return _MYSQL_MODES.get(mode.upper())
