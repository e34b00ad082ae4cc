"""For the uplink's tests: a self-signed certificate, HTTP servers on free ports of loopback."""

from __future__ import annotations

import datetime
import ipaddress
import ssl

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate():
    """Return (certificate for 127.0.0.1, signed by itself, and its key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2046, 1, 1, tzinfo=datetime.UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return signed, key


def der(signed):
    return signed.public_bytes(serialization.Encoding.DER)


def server_context(folder, signed, key):
    """Return the context of a server that shows this certificate."""
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = folder / "server.pem"
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def relay_handler(relay):
    """Return a handler of POST /v1/frames that lets a scene.Relay answer."""

    async def handle(request):
        assert request.content_type == "application/msgpack"
        return web.Response(body=relay.answer(await request.read()), content_type="application/msgpack")

    return handle


class HttpServers:
    """`port = await servers.start(handler)`; close() ends them all."""

    def __init__(self):
        self._runners = []

    async def start(self, handler, ssl_context=None):
        app = web.Application()
        app.router.add_post("/v1/frames", handler)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
        return runner.addresses[0][1]

    async def close(self):
        for runner in self._runners:
            await runner.cleanup()
