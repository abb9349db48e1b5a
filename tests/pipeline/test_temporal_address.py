"""Where Temporal is: read, written, and used, with TLS on both sides."""

import asyncio
import contextlib
import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.cli.temporal import temporal_address
from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.pipeline import client as client_module
from quantumlayer.pipeline.client import connect
from quantumlayer.pipeline.temporal_address import made, parsed

NAME = "temporal.test"
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=20)


@given(TEXT.filter(bool), TEXT, st.booleans(), st.tuples(TEXT, TEXT).filter(lambda pair: bool(pair[0]) == bool(pair[1])))
def test_what_is_written_is_read_again(namespace, ca, tls, pair):
    files = {"ca": ca, "cert": pair[0], "key": pair[1]} if tls else {}
    address = made(target="temporal.example:7233", namespace=namespace, tls=tls, **files)
    assert parsed(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", "host", "host:", ":7233", "host:99999", "http://host:1", "a@host:1", "host:1/x", "temporal://host:1/ns?ca=/x"]
    + ["temporals://host:1/ns?cert=/x", "temporals://host:1/ns?password=x", "temporals://host:1/ns?nonsense"],
)
def test_what_is_no_address_is_told(text):
    with pytest.raises(UserError, match="no address of a Temporal server"):
        parsed(text)


def test_options_become_one_address(tmp_path):
    assert temporal_address(None) is None
    assert temporal_address("h:1") == "h:1"
    whole = temporal_address("h:1", "n", True, tmp_path / "ca")
    assert parsed(whole or "") == made(target="h:1", namespace="n", tls=True, ca=str(tmp_path / "ca"))
    for wrong in ((None, "n"), (None, None, True), ("temporal://h:1/n", "n")):
        with pytest.raises(UserError):
            temporal_address(*wrong)


async def test_a_namespace_that_is_not_there_is_named_with_the_way_to_make_it(temporal):
    with pytest.raises(EnvironmentError_, match="no namespace 'elsewhere'") as error:
        await connect(f"temporal://{temporal}/elsewhere")
    assert "namespace create -n elsewhere" in error.value.hint


async def test_tls_on_both_sides(temporal, tmp_path, monkeypatch):
    monkeypatch.setattr(client_module, "CONNECT_PATIENCE", 1.0)
    await connect(temporal)
    files = certificates(tmp_path)
    async with terminated(temporal, files) as port:
        place = {"target": f"127.0.0.1:{port}", "tls": True, "ca": str(files["ca"]), "server_name": NAME}
        client = await connect(str(made(**place, cert=str(files["cert"]), key=str(files["key"]))))
        assert client.namespace == "default"
        for wrong in (made(**place), made(target=f"127.0.0.1:{port}"), made(target=f"127.0.0.1:{port}", tls=True)):
            with pytest.raises(EnvironmentError_, match="does not answer"):
                await connect(str(wrong))
        with pytest.raises(EnvironmentError_, match="cannot read /no/such/file"):
            await connect(str(made(target="h:1", tls=True, ca="/no/such/file")))


def certificates(folder):
    """PEM files of an authority, and of a certificate for both sides."""
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)

    def signed(name, key, extension):
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=False)
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    private = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    contents = {
        "ca": signed(issuer, authority, x509.BasicConstraints(ca=True, path_length=None)),
        "cert": signed(subject, own, x509.SubjectAlternativeName([x509.DNSName(NAME)])),
        "key": private,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


@contextlib.asynccontextmanager
async def terminated(address, files):
    """The server behind TLS that wants to see a client's certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files["ca"])
    context.load_cert_chain(files["cert"], files["key"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    host, port = address.split(":")

    async def pump(reader, writer):
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def serve(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
