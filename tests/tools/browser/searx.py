"""A real searx of Debian's package python3-searx, whose one engine is a server of the test."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

PYTHON = "/usr/bin/python3"


def _settings(port: int, engine_url: str) -> dict[str, object]:
    engine = {
        "name": "stub",
        "engine": "json_engine",
        "shortcut": "st",
        "categories": "general",
        "search_url": engine_url + "/engine?q={query}",
        "results_query": "items",
        "url_query": "url",
        "title_query": "title",
        "content_query": "text",
        "timeout": 3.0,
        "enable_http": True,
    }
    static = "/usr/share/python3-searx"
    return {
        "general": {"debug": False, "instance_name": "searx", "contact_url": False, "enable_stats": False},
        "brand": dict.fromkeys(
            ("git_url", "git_branch", "issue_url", "docs_url", "public_instances", "wiki_url", "twitter_url"), ""
        ),
        "search": {
            "safe_search": 0,
            "autocomplete": "",
            "default_lang": "",
            "ban_time_on_fail": 0,
            "max_ban_time_on_fail": 0,
        },
        "server": {
            "port": port,
            "bind_address": "127.0.0.1",
            "secret_key": "test",
            "base_url": False,
            "image_proxy": False,
            "http_protocol_version": "1.0",
            "method": "POST",
            "default_http_headers": {},
        },
        "ui": {
            "autofocus": True,
            "archive_today": False,
            "static_path": f"{static}/static",
            "templates_path": f"{static}/templates",
            "default_theme": "oscar",
            "default_locale": "",
            "theme_args": {"oscar_style": "logicodev"},
        },
        "outgoing": {"request_timeout": 3.0, "useragent_suffix": "", "pool_connections": 10, "pool_maxsize": 5},
        "checker": {"off_when_debug": True},
        "engines": [engine],
        "locales": {"en": "English"},
        "doi_resolvers": {"oadoi.org": "https://oadoi.org/"},
        "default_doi_resolver": "oadoi.org",
    }


@asynccontextmanager
async def searx(folder: Path, engine_url: str) -> AsyncIterator[str]:
    """Run searx with its settings in `folder`; its URL, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "settings.yml"
    settings.write_text(json.dumps(_settings(port, engine_url)))
    log = (folder / "searx.log").open("wb")
    environment = {"SEARX_SETTINGS_PATH": str(settings), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    process = await asyncio.create_subprocess_exec(
        PYTHON, "-m", "searx.webapp", env=environment, cwd=folder, stdout=log, stderr=log
    )
    log.close()
    try:
        url = f"http://127.0.0.1:{port}"
        await _answers(url, folder / "searx.log")
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _answers(url: str, log: Path) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while True:
            try:
                async with session.get(f"{url}/healthz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                if "Error" in (text := log.read_text()):
                    raise AssertionError(text[-2000:]) from None
            await asyncio.sleep(0.2)
