"""Where things are and what may be set: the checkout's folders and the DASHBOARD_* variables."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dashboard.access import Role

ROOT = Path(__file__).resolve().parent.parent
QUERIES = ROOT / "queries"
PAGES = ROOT / "pages"
REFERENCE = ROOT / "data" / "reference"
#: bcrypt, which hashes passwords, reads 72 bytes.
LEAST_PASSWORD_LENGTH, MOST_PASSWORD_LENGTH = 8, 72


@dataclass(frozen=True)
class SingleSignOn:
    """A provider of OpenID Connect, and what it knows this dashboard by.

    `claim` is what names an account; an e-mail address counts only if the provider verified it.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    claim: str


@dataclass(frozen=True)
class Mail:
    """The server that takes e-mail, and the address that it comes from.

    `tls` is starttls, tls (from the first byte on) or none, which stays on this machine.
    """

    host: str
    port: int
    tls: str
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)


#: How a connection to a mail server is protected, with its usual port.
MAIL_PORTS = {"starttls": 587, "tls": 465, "none": 25}
#: An e-mail address in plain ASCII; nothing in it can end a header.
MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,180}[A-Za-z0-9])")
#: The variables that name a file or folder, beside those that end in _FILE.
_PATHS = ("DASHBOARD_DATA", "DASHBOARD_AUDIT_KEY", "DASHBOARD_SECOND_FACTOR_KEY", "DASHBOARD_FACTS")
LOG_FORMS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Settings:
    """Everything that a person may set from outside.

    `data` holds all that is not code: deliveries/, extracts/, state/. `state_url` is the address of
    a PostgreSQL database that keeps the state instead, `audit_key` the file of the record's key.
    `drop_share` is in percent; `patient_key` is hexadecimal.
    """

    data: Path
    idle_minutes: int = 15
    session_hours: int = 12
    memory_limit: str = "1GB"
    query_seconds: float = 20.0
    password_length: int = 10
    second_factor: frozenset[Role] = frozenset()
    second_factor_key: Path | None = None
    url: str = "http://127.0.0.1:8501"
    oidc: SingleSignOn | None = None
    export_seconds: float = 300.0
    exports: int = 4
    workbook_cells: int = 5_000_000
    sessions: int = 200
    sessions_per_account: int = 5
    stop_seconds: float = 20.0
    drain_seconds: float = 0.0
    metrics_port: int | None = None
    log: str = "text"
    log_level: str = "warning"
    proxies: str = "127.0.0.1"
    state_url: str | None = field(default=None, repr=False)  # it may hold a password
    audit_key: Path | None = None
    small_cells: frozenset[str] = frozenset({Role.FINANCE.value, Role.MANAGER.value})
    small_cell_limit: int = 10
    drop_share: float = 5.0
    kept_extracts: int = 5
    late_form_days: int = 3
    patient_key: str | None = field(default=None, repr=False)
    patient_key_file: Path | None = None
    mail: Mail | None = None
    mail_domains: frozenset[str] = frozenset()
    webhook_hosts: frozenset[str] = frozenset()
    spark: str | None = field(default=None, repr=False)  # it may hold a token
    facts: Path | None = None

    @property
    def extracts(self) -> Path:
        """Folder of the published extracts and of the pointer file."""
        return self.data / "extracts"

    @property
    def state(self) -> Path:
        """Folder of the state store and of the keys."""
        return self.data / "state"

    @property
    def deliveries(self) -> Path:
        """Folder where the demo delivery is written."""
        return self.data / "deliveries"

    @classmethod
    def from_environment(cls) -> Settings:
        """Read DASHBOARD_DATA and the other variables, which docs/architecture.md lists.

        Raises:
            ValueError: a value that is none of its kind, named with its variable.
        """
        env = os.environ

        def number(name: str, default: float) -> float:
            text = env.get(name, "")
            try:
                value = float(text) if text else default
            except ValueError:
                value = math.nan
            if not math.isfinite(value):
                raise ValueError(f"{name} must be a number, not {text!r}")
            if value < 0 or (value == 0 and default > 0):
                raise ValueError(f"{name} must be above 0, not {text}")
            return value

        def whole(name: str, default: int) -> int:
            value = number(name, default)
            if value % 1:
                raise ValueError(f"{name} must be a whole number, not {env[name]}")
            return int(value)

        def path(name: str) -> Path | None:
            text = env.get(name)
            return Path(text).expanduser().resolve() if text else None

        def word(name: str, default: str, known: tuple[str, ...]) -> str:
            value = env.get(name, "").lower() or default
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")
            return value

        return cls(
            data=Path(env.get("DASHBOARD_DATA") or ROOT / "data").expanduser().resolve(),
            idle_minutes=whole("DASHBOARD_IDLE_MINUTES", cls.idle_minutes),
            session_hours=whole("DASHBOARD_SESSION_HOURS", cls.session_hours),
            memory_limit=_memory(env.get("DASHBOARD_MEMORY_LIMIT") or cls.memory_limit),
            query_seconds=number("DASHBOARD_QUERY_SECONDS", cls.query_seconds),
            password_length=_password_length(number("DASHBOARD_PASSWORD_LENGTH", cls.password_length)),
            second_factor=_roles("DASHBOARD_SECOND_FACTOR"),
            second_factor_key=path("DASHBOARD_SECOND_FACTOR_KEY"),
            url=_address("DASHBOARD_URL", cls.url),
            oidc=_single_sign_on(),
            export_seconds=number("DASHBOARD_EXPORT_SECONDS", cls.export_seconds),
            exports=whole("DASHBOARD_EXPORTS", cls.exports),
            workbook_cells=whole("DASHBOARD_WORKBOOK_CELLS", cls.workbook_cells),
            sessions=whole("DASHBOARD_SESSIONS", cls.sessions),
            sessions_per_account=whole("DASHBOARD_SESSIONS_PER_ACCOUNT", cls.sessions_per_account),
            stop_seconds=number("DASHBOARD_STOP_SECONDS", cls.stop_seconds),
            drain_seconds=number("DASHBOARD_DRAIN_SECONDS", cls.drain_seconds),
            metrics_port=whole("DASHBOARD_METRICS_PORT", 0) or None,
            log=word("DASHBOARD_LOG", cls.log, LOG_FORMS),
            log_level=word("DASHBOARD_LOG_LEVEL", cls.log_level, LOG_LEVELS),
            proxies=_proxies(env.get("DASHBOARD_PROXIES") or cls.proxies),
            state_url=env.get("DASHBOARD_STATE") or None,
            audit_key=path("DASHBOARD_AUDIT_KEY"),
            small_cells=_small_cell_roles(env.get("DASHBOARD_SMALL_CELLS", ""), cls.small_cells),
            small_cell_limit=whole("DASHBOARD_SMALL_CELL_LIMIT", cls.small_cell_limit),
            drop_share=number("DASHBOARD_DROP_SHARE", cls.drop_share),
            kept_extracts=whole("DASHBOARD_KEPT_EXTRACTS", cls.kept_extracts),
            late_form_days=whole("DASHBOARD_LATE_FORM_DAYS", cls.late_form_days),
            patient_key=env.get("DASHBOARD_PATIENT_KEY") or None,
            patient_key_file=Path(file).expanduser() if (file := env.get("DASHBOARD_PATIENT_KEY_FILE")) else None,
            mail=_mail(),
            mail_domains=_words("DASHBOARD_MAIL_DOMAINS"),
            webhook_hosts=_words("DASHBOARD_WEBHOOK_HOSTS"),
            spark=_spark(env.get("DASHBOARD_SPARK", "")),
            facts=path("DASHBOARD_FACTS"),
        )


def settle_paths() -> None:
    """Make the paths among the variables whole, so that they mean the same from whichever folder they are read."""
    files = [name for name in os.environ if name.startswith("DASHBOARD_") and name.endswith("_FILE")]
    for name in (*_PATHS, *files):
        if text := os.environ.get(name):
            os.environ[name] = str(Path(text).expanduser().resolve())


def _password_length(given: float) -> int:
    if not LEAST_PASSWORD_LENGTH <= given <= MOST_PASSWORD_LENGTH:
        raise ValueError(
            f"DASHBOARD_PASSWORD_LENGTH must be from {LEAST_PASSWORD_LENGTH} to {MOST_PASSWORD_LENGTH}, not {given:g}"
        )
    return int(given)


def _memory(text: str) -> str:
    """An amount of memory as DuckDB reads it, which would say that the extract can't be opened."""
    if not re.fullmatch(r"[0-9]+([.][0-9]+)? *([kmgt]i?b?|b(ytes?)?|%)", text.strip(), re.IGNORECASE):
        raise ValueError(f"DASHBOARD_MEMORY_LIMIT must be an amount like 1GB or 512 MB, not {text!r}")
    return text


def _proxies(text: str) -> str:
    """Addresses and networks, with commas between: of whom everybody is believed, the first word is the client's."""
    for word in text.split(","):
        try:
            network = ipaddress.ip_network(word.strip())
        except ValueError:
            raise ValueError(f"DASHBOARD_PROXIES must be addresses with commas between, not {text!r}") from None
        if not network.prefixlen:
            raise ValueError(f"DASHBOARD_PROXIES must be the addresses of proxies, and {word.strip()} is everybody")
    return text


def _spark(text: str) -> str | None:
    """The address of a Spark Connect server, or None where none is named."""
    parts = urlsplit(text)
    if text and (parts.scheme != "sc" or not parts.hostname):
        raise ValueError(f"DASHBOARD_SPARK must be an address like sc://host:15002, not {text!r}")
    return text or None


def _roles(name: str) -> frozenset[Role]:
    given = [role.strip() for role in os.environ.get(name, "").split(",") if role.strip()]
    known = [role.value for role in Role]
    if unknown := sorted(set(given) - set(known)):
        raise ValueError(f"{name} names no role {', '.join(unknown)}; roles: {', '.join(known)}")
    return frozenset(map(Role, given))


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, whatever a name server says."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _words(name: str) -> frozenset[str]:
    """A list of words in lower case, with commas between."""
    return frozenset(word.strip().lower() for word in os.environ.get(name, "").split(",") if word.strip())


def _secret(name: str) -> str:
    """A secret from its variable, or from the file that `…_FILE` names."""
    if not (file := os.environ.get(f"{name}_FILE")):
        return os.environ.get(name, "")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{name}_FILE: {file} cannot be read ({error.strerror})") from None


def _mail() -> Mail | None:
    """The mail server, or None where none is named."""
    env = os.environ
    host, sender = env.get("DASHBOARD_SMTP_HOST", ""), env.get("DASHBOARD_MAIL_FROM", "")
    if not host:
        return None
    tls = env.get("DASHBOARD_SMTP_TLS", "").lower() or "starttls"
    if tls not in MAIL_PORTS:
        raise ValueError(f"DASHBOARD_SMTP_TLS must be one of {', '.join(MAIL_PORTS)}, not {tls!r}")
    if tls == "none" and not is_loopback(host):
        raise ValueError("DASHBOARD_SMTP_TLS=none is for a mail server on this machine; use starttls or tls")
    port = env.get("DASHBOARD_SMTP_PORT") or str(MAIL_PORTS[tls])
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"DASHBOARD_SMTP_PORT must be a port, not {port!r}")
    if not MAIL_ADDRESS.fullmatch(sender):
        raise ValueError(f"DASHBOARD_MAIL_FROM must be the e-mail address that messages come from, not {sender!r}")
    user, password = env.get("DASHBOARD_SMTP_USER", ""), _secret("DASHBOARD_SMTP_PASSWORD")
    if bool(user) != bool(password):
        raise ValueError("DASHBOARD_SMTP_USER and DASHBOARD_SMTP_PASSWORD need each other")
    return Mail(host, int(port), tls, sender, user, password)


def _address(name: str, default: str) -> str:
    """An address that passwords and codes may travel to: by TLS, or not beyond this machine."""
    text = (os.environ.get(name) or default).rstrip("/")
    parts = urlsplit(text)
    schemes = {"https", "http"} if is_loopback(parts.hostname or "") else {"https"}
    if not parts.hostname or parts.scheme not in schemes:
        raise ValueError(f"{name} must be an https:// address, not {text!r}")
    return text


def _single_sign_on() -> SingleSignOn | None:
    """The provider of single sign-on, or None where none is named."""
    env = os.environ
    issuer, client_id = env.get("DASHBOARD_OIDC_ISSUER", ""), env.get("DASHBOARD_OIDC_CLIENT_ID", "")
    if not issuer and not client_id:
        return None
    secret = _secret("DASHBOARD_OIDC_CLIENT_SECRET")
    needed = {
        "DASHBOARD_OIDC_ISSUER": issuer,
        "DASHBOARD_OIDC_CLIENT_ID": client_id,
        "DASHBOARD_OIDC_CLIENT_SECRET": secret,
    }
    if missing := [name for name, value in needed.items() if not value]:
        raise ValueError(f"{missing[0]} is missing, which single sign-on needs")
    if not env.get("DASHBOARD_URL"):
        raise ValueError("DASHBOARD_URL is missing: single sign-on needs the address that people come back to")
    return SingleSignOn(
        issuer=_address("DASHBOARD_OIDC_ISSUER", ""),
        client_id=client_id,
        client_secret=secret,
        name=env.get("DASHBOARD_OIDC_NAME") or "single sign-on",
        claim=env.get("DASHBOARD_OIDC_CLAIM") or "email",
    )


def _small_cell_roles(text: str, default: frozenset[str]) -> frozenset[str]:
    """Roles from which small counts of side effects are hidden; `none` for nobody."""
    words = {word.strip() for word in text.split(",") if word.strip()}
    if not words:
        return default
    if words == {"none"}:
        return frozenset()
    # The medical director answers for safety, down to the single event.
    open_to = sorted(role.value for role in Role if role is not Role.MEDICAL_DIRECTOR)
    if unknown := words - set(open_to):
        raise ValueError(
            f"DASHBOARD_SMALL_CELLS must be none or some of {', '.join(open_to)}, not {', '.join(sorted(unknown))}"
        )
    return frozenset(words)
