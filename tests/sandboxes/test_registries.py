"""Only what registry clients are configured with crosses into an install."""

import http.server
import threading
from pathlib import Path

import pytest

from quantumlayer.conformance.sandbox.lab import laboratory
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox, registries

CONFIGURATION = {
    "PIP_INDEX_URL": "https://mirror.example/simple",
    "UV_INDEX_INTERNAL_PASSWORD": "for the index",
    "https_proxy": "http://proxy.example:3128",
    "NO_PROXY": "localhost",
    "npm_config_registry": "https://npm.example",
    "GOPROXY": "https://go.example",
    "CARGO_REGISTRIES_OWN_INDEX": "sparse+https://cargo.example/",
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
}
SECRETS = {
    "UV_PUBLISH_TOKEN": "x",
    "CARGO_REGISTRY_TOKEN": "x",
    "CARGO_REGISTRIES_OWN_TOKEN": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "OPENAI_API_KEY": "x",
    "DATABASE_URL": "x",
    "PIP_CACHE_DIR": "/root/.cache/pip",
    "MY_PIP_INDEX_URL": "x",
    "LD_PRELOAD": "x",
    "PATH": "x",
}


def test_configuration_crosses_and_secrets_do_not():
    assert registries.variables(CONFIGURATION | SECRETS) == CONFIGURATION


def test_files_that_variables_name_are_shown_but_never_the_home(tmp_path: Path):
    home = tmp_path / "home"
    wheels = tmp_path / "wheels"
    for folder in (home / ".cargo", wheels):
        folder.mkdir(parents=True)
    (home / ".npmrc").write_text("registry=https://npm.example")
    (home / ".netrc").write_text("password")
    host = {"HOME": str(home), "PIP_FIND_LINKS": str(wheels), "PIP_CERT": str(home), "UV_FIND_LINKS": "/"}
    mounts = {mount.target: mount for mount in registries.files(host)}
    assert mounts["/tmp/.npmrc"].source == home / ".npmrc"
    assert mounts[str(wheels)].source == wheels
    assert not {"/", str(home), "/tmp/.netrc"} & mounts.keys()
    assert not any(mount.writable for mount in mounts.values())


@pytest.mark.parametrize("network", ["none", "registries"])
async def test_the_network_is_there_only_for_installs(network, monkeypatch: pytest.MonkeyPatch):
    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"package")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as registry:
        threading.Thread(target=registry.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{registry.server_port}")
        monkeypatch.setenv("OPENAI_API_KEY", "secret")
        code = f"""
import urllib.request
print(sorted(n for n in os.environ if n in ("PIP_INDEX_URL", "OPENAI_API_KEY")))
try:
    print(urllib.request.urlopen("http://127.0.0.1:{registry.server_port}", timeout=5).read())
except OSError as error:
    print("refused")
"""
        async with laboratory(BubblewrapSandbox()) as lab:
            command = lab.command(code)
            object.__setattr__(command, "network", network)
            completed = await lab.sandbox.run(command)
        registry.shutdown()
    lines = completed.stdout.decode().splitlines()
    assert lines[:2] == (["[]", "refused"] if network == "none" else ["['PIP_INDEX_URL']", "b'package'"]), completed
