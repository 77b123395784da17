"""Settings of a server; light to import."""

import re
from dataclasses import dataclass

from pmsgan.engine.choices import Backend
from pmsgan.errors import ConfigError

MIN_TOKEN_LETTERS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class ServeSettings:
    """Where a server listens, who may use it, and how much it takes on."""

    host: str = "127.0.0.1"
    """Address to listen on. By default only this machine can reach the server; any other address
    needs a token. 0.0.0.0 means all addresses."""
    port: int = 8000
    """Port to listen on; 0 picks a free one."""
    token: str | None = None
    """Secret of at least 16 letters and digits that programs and the page must send. Other users of
    this machine can read it on the command line, so prefer to set PMSGAN_TOKEN."""
    backend: Backend = "auto"
    """Runtime; auto takes the first that can run here."""
    max_waiting: int = 64
    """Most pictures that may wait for the engine; further ones are refused with 503."""

    def __post_init__(self) -> None:
        """Raise ConfigError if a value is out of range."""
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port is {self.port}: it must lie within 0..65535")
        if not 1 <= self.max_waiting <= 4096:
            raise ConfigError(f"max_waiting is {self.max_waiting}: it must lie within 1..4096")
        letters = f"[A-Za-z0-9._~+/=-]{{{MIN_TOKEN_LETTERS},}}"
        if self.token is not None and not re.fullmatch(letters, self.token):
            raise ConfigError(
                "token is too short, or has characters other than A-Za-z0-9._~+/=-: give "
                f"{MIN_TOKEN_LETTERS} or more, such as the output of openssl rand -hex 16"
            )
        if self.token is None and not self.is_loopback:
            raise ConfigError(
                f"host is {self.host}: everybody who can reach it could use this machine; give a "
                "--token, such as the output of openssl rand -hex 16"
            )

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can reach the server."""
        import ipaddress  # here, since every command imports this module

        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
