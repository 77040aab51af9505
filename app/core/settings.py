"""Every setting with its default and help, read from the environment and instance/config.toml."""

from __future__ import annotations

import os
import secrets
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.core.errors import Failure


@dataclass(frozen=True)
class Setting:
    """One setting: where it can be written, what it means, and between which numbers it has to be, where that matters."""

    name: str
    default: str
    help: str
    secret: bool = False
    between: tuple[int, int] | None = None

    def fault(self, value: str) -> str:
        """What the value has to be and is not; "" for one that may be, and for none at all."""
        if self.between is None or not value or (value.isascii() and value.isdecimal() and
                                                 self.between[0] <= int(value[:9]) <= self.between[1]):
            return ""
        return f"has to be a whole number from {self.between[0]} to {self.between[1]}"

    def checked(self, value: str) -> str:
        """The value, if it may be. Raises Failure with what it may be."""
        if fault := self.fault(value):
            raise Failure(f"{self.name} is {value!r}, and {fault}. Change it in the environment or in config.toml, then "
                          "start again.")
        return value


SETTINGS: tuple[Setting, ...] = (
    Setting("DATABASE_URL", "", "Database; empty means SQLite in the instance folder; postgresql://… in production"),
    Setting("REDIS_URL", "", "Redis or Valkey; empty means an embedded one in the instance folder", secret=True),
    Setting("SECRET_KEY", "", "Signs cookies; generated into the instance folder", secret=True),
    Setting("ENCRYPTION_KEYS", "", "Encrypt stored secrets; comma separated, the first encrypts", secret=True),
    Setting("HOST", "127.0.0.1", "Address the web process listens on"),
    Setting("PORT", "8000", "Port the web process listens on", between=(0, 65_535)),
    Setting("BASE_URL", "", "Address people use; makes absolute links. Empty means http://HOST:PORT"),
    Setting("CONTACT", "", "Whom people tell that a page can't be used, on /accessibility: a mail or web address"),
    Setting("TRUSTED_PROXIES", "0", "How many proxies in front are believed about the client's address", between=(0, 20)),
    Setting("ADMIN_EMAIL", "", "With ADMIN_PASSWORD: creates the break-glass admin at first start"),
    Setting("ADMIN_PASSWORD", "", "Password of that admin, 12 characters or more", secret=True),
    Setting("SMTP_URL", "", "Mail server, smtp://user:password@host:port?starttls=1", secret=True),
    Setting("MAIL_FROM", "On-call <oncall@localhost>", "Sender of mail"),
    Setting("MAIL_IN_PORT", "", "Port on which mail is taken in as alerts (SMTP); empty: none is", between=(0, 65_535)),
    Setting("MAIL_IN_HOST", "127.0.0.1", "Address on which it is taken in"),
    Setting("MAIL_IN_DOMAIN", "", "Domain of the addresses that integrations then have; empty takes any"),
    Setting("MAIL_IN_CERTIFICATE", "", "File with certificate and key in PEM, with which STARTTLS is offered"),
    Setting("OUTBOUND_ALLOW", "", "Private networks that outgoing calls may reach, CIDRs with commas"),
    Setting("VAPID_PUBLIC_KEY", "", "Web push; generated into the instance folder"),
    Setting("VAPID_PRIVATE_KEY", "", "Web push; generated into the instance folder", secret=True),
    Setting("VAPID_SUBJECT", "mailto:oncall@localhost", "Contact that push services see"),
    Setting("WEB_PROCESSES", "1", "Web processes of one `oncall web`", between=(1, 10_000)),
    Setting("WEB_THREADS", "64", "Threads of one web process; a live page holds one", between=(1, 10_000)),
    Setting("LIVE_MAX_SOCKETS", "48", "Live pages of one web process; further ones poll instead", between=(0, 100_000)),
    Setting("WORKER_PROCESSES", "1", "Worker processes of one `oncall worker`", between=(1, 10_000)),
    Setting("SEND_THREADS", "16", "Messages one worker hands over at the same time", between=(1, 10_000)),
    Setting("EXECUTION_DAYS", "90", "Days the outputs of runbooks are kept; what was told of them stays", between=(7, 3650)),
    Setting("RUN_DAYS", "90", "Days that requests, answers and outputs of workflows' steps are kept; the runs stay",
            between=(7, 3650)),
    Setting("RUNBOOK_THREADS", "50", "Calls to runbook targets that one process has open at the same time",
            between=(1, 10_000)),
    Setting("OIDC_ISSUER", "", "Address of the OpenID Connect provider; turns single sign-on on"),
    Setting("OIDC_CLIENT_ID", "", "Name of this application at the provider"),
    Setting("OIDC_CLIENT_SECRET", "", "Its secret; empty for a public client", secret=True),
    Setting("OIDC_SCOPES", "openid email profile", "What is asked of the provider"),
    Setting("OIDC_CREATE", "yes", "Whether a first single sign-on creates the account: yes or no"),
    Setting("PASSWORD_LOGIN", "", "Who may use a password: everyone or break-glass; empty means everyone, and "
            "break-glass once there is single sign-on"),
    Setting("REQUIRE_SECOND_FACTOR", "off", "Who has to add a second factor to a password: off, admins or everyone"),
    Setting("DEADMAN_URL", "", "Address called every minute while all works, such as a heartbeat of another installation",
            secret=True),
    Setting("METRICS_TOKEN", "", "Bearer token for /metrics from other machines", secret=True),
    Setting("DELIVERY_BODY_DAYS", "30", "Days that raw bodies and headers of deliveries are kept", between=(7, 730)),
    Setting("DELIVERY_DAYS", "90", "Days that the rows of deliveries are kept; alerts stay as long as their incidents",
            between=(7, 3650)),
    Setting("MESSAGE_DAYS", "400", "Days that messages are kept which are of no incident and no postmortem",
            between=(90, 3650)),
    Setting("AUDIT_DAYS", "365", "Days the log is kept; entries of incidents and postmortems are kept for ever",
            between=(90, 3650)),
    Setting("BACKUP_DAYS", "7", "Days after which `oncall doctor` misses a backup; 0: they are made by other means than "
            "`oncall backup`", between=(0, 3650)),
    Setting("STATUS_EXPORT_DIR", "", "Folder below which copies of status pages are written, one folder a page"),
    Setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR"),
)


def load(environ: Mapping[str, str] | None = None, *, extra: Iterable[Setting] = ()) -> dict[str, str]:
    """All settings by name: environment, then instance/config.toml, then generated or default values.

    Raises Failure for a number that is out of its range.
    """
    env = os.environ if environ is None else environ
    instance = Path(env.get("ONCALL_INSTANCE", "instance")).resolve()
    instance.mkdir(parents=True, exist_ok=True)
    in_file = written(instance)
    values = {setting.name: setting.checked(env.get(setting.name) or in_file.get(setting.name) or setting.default)
              for setting in (*SETTINGS, *extra)}
    values["ONCALL_INSTANCE"] = str(instance)
    values["DATABASE_URL"] = values["DATABASE_URL"] or f"sqlite:///{instance / 'oncall.db'}"
    values["BASE_URL"] = (values["BASE_URL"] or f"http://{values['HOST']}:{values['PORT']}").rstrip("/")
    for name, value in generated(instance).items():
        values[name] = values[name] or value
    return values


def origin(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Where the value of a setting comes from: `environment`, `file` or `default`."""
    return origins([name], environ)[name]


def in_effect(environ: Mapping[str, str] | None = None, *, extra: Iterable[Setting] = ()) -> dict[Setting, str]:
    """Every setting with where its value comes from."""
    every = [*SETTINGS, *extra]
    found = origins([one.name for one in every], environ)
    return {one: found[one.name] for one in every}


def origins(names: Iterable[str], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The same for many."""
    env = os.environ if environ is None else environ
    in_file = written(Path(env.get("ONCALL_INSTANCE", "instance")))
    return {name: "environment" if env.get(name) else "file" if in_file.get(name) else "default" for name in names}


def keys_again(values: Mapping[str, str], environ: Mapping[str, str] | None = None) -> Callable[[], str] | None:
    """What reads the encryption keys that this installation made for itself anew; None where they are given to it."""
    if origin("ENCRYPTION_KEYS", environ) != "default":
        return None
    path = Path(values["ONCALL_INSTANCE"]) / "keys" / "encryption_keys"
    return lambda: path.read_text().strip() if path.exists() else ""


def written(instance: Path) -> dict[str, str]:
    """What stands in config.toml of the instance folder, by name."""
    path = instance / "config.toml"
    if not path.exists():
        return {}
    return {name: str(value) for name, value in tomllib.loads(path.read_text()).items()}


def generated(instance: Path) -> dict[str, str]:
    """The keys this installation made for itself, one file each in instance/keys, readable by the owner only."""
    folder = instance / "keys"
    folder.mkdir(mode=0o700, exist_ok=True)
    values = {name: _kept(folder / name.lower(), lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode())
              for name in ("SECRET_KEY", "ENCRYPTION_KEYS")}
    pair = _kept(folder / "vapid", vapid_pair).split()
    return values | {"VAPID_PRIVATE_KEY": pair[0], "VAPID_PUBLIC_KEY": pair[1]}


def replace_key(path: Path, text: str) -> None:
    """Write a key file anew, whole or not at all, readable by its owner only."""
    _draft(path, text).replace(path)


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    return draft


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The text of `path`, made once: whoever links the finished file first wins, everybody reads that one."""
    if not path.exists():
        draft = _draft(path, make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        draft.unlink()
    return path.read_text().strip()


def vapid_pair() -> str:
    """A fresh P-256 key pair as unpadded base64url: the private number and the uncompressed point (RFC 8292)."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_numbers().private_value.to_bytes(32, "big")
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return " ".join(urlsafe_b64encode(raw).rstrip(b"=").decode() for raw in (private, public))

