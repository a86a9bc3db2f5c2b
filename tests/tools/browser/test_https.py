"""Pages over https: through the proxy's tunnel, with the certificate checked."""

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="apt-get install openssl")

SCRIPT = """
import asyncio
from ossia.testing import opened
from ossia.tools.browser import Browser

async def main():
    async with opened(Browser(private=("localhost:{port}",), javascript="never")) as tool:
        print(await tool.call("browser.open", {{"id": "https://localhost:{port}/"}}))

asyncio.run(main())
"""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """A server with a certificate of its own making, and that certificate."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>secure")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], certificate


async def fetched(port: int, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT.format(port=port),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return output.decode()


async def test_a_page_is_fetched_where_its_certificate_is_trusted(site: tuple[int, Path]) -> None:
    port, certificate = site
    assert "L2: secure" in await fetched(port, SSL_CERT_FILE=str(certificate))


async def test_a_certificate_that_nobody_vouches_for_is_refused(site: tuple[int, Path]) -> None:
    port, _ = site
    assert "its certificate or encryption is not in order" in await fetched(port)
