"""What the host's registry clients are configured with: their own variables and files, nothing else."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from quantumlayer.ports.sandbox import Mount

_VARIABLES = re.compile(
    r"(?:https?|all|no)_proxy"
    r"|pip_(?:index_url|extra_index_url|find_links|cert|client_cert|trusted_host|proxy|no_index|(?:default_)?timeout|retries|config_file)"
    r"|uv_(?:index|default_index|index_url|extra_index_url|find_links|native_tls|system_certs|insecure_host|http_timeout|http_retries|keyring_provider)"
    r"|uv_index_[a-z0-9_]+_(?:username|password)"
    r"|ssl_cert_(?:file|dir)|requests_ca_bundle|curl_ca_bundle|node_extra_ca_certs"
    r"|npm_config_(?:registry|proxy|https_proxy|cafile|ca|strict_ssl|userconfig|globalconfig|fetch_[a-z_]+)|yarn_npm_registry_server"
    r"|go(?:proxy|nosumdb|nosumcheck|sumdb|private|noproxy|insecure|vcs)"
    r"|cargo_(?:http|net|registry|registries|source)_[a-z0-9_]+",
    re.IGNORECASE,
)
_SECRET_OF_PUBLISHING = re.compile(r"publish|cargo_registr(?:y|ies)_.*token", re.IGNORECASE)
_SYSTEM_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/uv/uv.toml", "/etc/npmrc", "/etc/gitconfig")
_HOME_FILES = (".config/pip/pip.conf", ".pip/pip.conf", ".config/uv/uv.toml", ".npmrc", ".config/go/env", ".m2/settings.xml")
_CARGO_FILES = ("config.toml", "config")


def variables(host: Mapping[str, str]) -> dict[str, str]:
    """The part of the host's environment that tells clients where registries are and how to trust them."""
    return {n: v for n, v in host.items() if _VARIABLES.fullmatch(n) and not _SECRET_OF_PUBLISHING.search(n)}


def files(host: Mapping[str, str]) -> tuple[Mount, ...]:
    """Configuration files, the system's at their own place and the user's below the sandbox's home, /tmp."""
    home = Path(host.get("HOME") or os.path.expanduser("~"))
    mounts = [Mount(Path(f).resolve(), f) for f in _SYSTEM_FILES if Path(f).is_file()]
    mounts += [Mount((home / f).resolve(), f"/tmp/{f}") for f in _HOME_FILES if (home / f).is_file()]
    cargo = Path(host.get("CARGO_HOME") or home / ".cargo")
    mounts += [Mount((cargo / f).resolve(), f"/tmp/.cargo/{f}") for f in _CARGO_FILES if (cargo / f).is_file()]
    visible = ("/usr", "/etc/ssl", "/etc/pki", "/etc/ca-certificates")
    for value in sorted(set(variables(host).values())):
        path = Path(value)
        if path.is_absolute() and path.exists() and not any(path.is_relative_to(top) for top in visible):
            if home.is_relative_to(path):  # a variable must not open the user's whole home
                continue
            mounts.append(Mount(path.resolve(), value.rstrip("/")))
    unique = {mount.target: mount for mount in mounts}
    return tuple(unique.values())
