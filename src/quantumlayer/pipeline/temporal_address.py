"""Where Temporal is and how to get in, as one line of text that options, records and child processes pass on."""

import os
import urllib.parse

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from quantumlayer.errors import UserError

API_KEY = "TEMPORAL_API_KEY"
EXAMPLE = "write it as HOST:PORT or temporals://HOST:PORT/NAMESPACE?ca=FILE&cert=FILE&key=FILE"


class TemporalAddress(BaseModel):
    """`target` is HOST:PORT. The files are PEM: `ca` who signed the server, `cert` and `key` who we are; a key means TLS.

    `server_name` is the name in the server's certificate, where that is not its host.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    target: str
    namespace: str = "default"
    tls: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""

    @model_validator(mode="after")
    def _sound(self) -> "TemporalAddress":
        parts = urllib.parse.urlsplit(f"//{self.target}")
        if not parts.hostname or not parts.port or parts.path or parts.query or "@" in self.target:
            raise ValueError(f"{self.target!r} is no HOST:PORT")
        if bool(self.cert) != bool(self.key):
            raise ValueError("a client's certificate and its key belong together")
        if not self.tls and (self.ca or self.cert or self.server_name):
            raise ValueError("certificates are for TLS only")
        return self

    def __str__(self) -> str:
        """What `parsed` reads."""
        files = {name: value for name in ("ca", "cert", "key", "server_name") if (value := getattr(self, name))}
        if not self.tls and self.namespace == "default":
            return self.target
        query = f"?{urllib.parse.urlencode(files)}" if files else ""
        return f"{'temporals' if self.tls else 'temporal'}://{self.target}/{urllib.parse.quote(self.namespace, safe='')}{query}"


def parsed(text: str) -> TemporalAddress:
    """HOST:PORT, or a URL as `TemporalAddress` prints it. Raises `UserError`."""
    if "://" not in text:
        return made(target=text)
    try:
        url = urllib.parse.urlsplit(text)
        files = dict(urllib.parse.parse_qsl(url.query, strict_parsing=True)) if url.query else {}
    except ValueError:
        raise UserError(f"{text!r} is no address of a Temporal server", hint=EXAMPLE) from None
    if url.scheme not in ("temporal", "temporals"):
        raise UserError(f"{text!r} is no address of a Temporal server", hint=EXAMPLE)
    namespace = urllib.parse.unquote(url.path.removeprefix("/")) or "default"
    return made(target=url.netloc, namespace=namespace, tls=url.scheme == "temporals", **files)


def made(**fields: object) -> TemporalAddress:
    """The address. Raises `UserError` when the fields do not go together."""
    try:
        return TemporalAddress.model_validate(fields)
    except ValidationError as error:
        problem = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise UserError(f"no address of a Temporal server: {problem}", hint=EXAMPLE) from None


def api_key() -> str | None:
    """For servers that want one; only ever from the environment."""
    return os.environ.get(API_KEY) or None
