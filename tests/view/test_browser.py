"""Pages of runs in a real browser: what is seen, what keys do, and that nothing is executed or asked for."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ossia.testing import Script
from ossia.tools import Tool
from tests.agent.conftest import CALL, FINAL, Echo
from tests.view.conftest import look, record
from tests.view.test_page import HOSTILE, USELESS, Painter, long_run


def recorded(runs: Path, script: Script, *tools: Tool, **options: str) -> Path:
    """The journal of a run. In a thread, since playwright has its own loop under way in this one."""
    with ThreadPoolExecutor() as threads:
        return threads.submit(lambda: asyncio.run(record(runs, script, *tools, **options))).result()


def test_a_run_is_seen_with_its_images_and_asks_for_nothing(chromium: Browser, tmp_path: Path) -> None:
    opened = look(chromium, recorded(tmp_path, [USELESS, CALL, FINAL], Painter(["done"])))
    page = opened.page
    assert page.locator("header .outcome").inner_text() == "final"
    assert page.locator("main .message.user").inner_text().endswith("Say hi")
    assert page.locator(".message.tool pre").inner_text() == "done"
    assert page.locator("footer .answer").inner_text() == "It is 4."
    assert page.locator("img").evaluate("image => image.complete && image.naturalWidth") == 1
    assert page.locator("svg.timeline rect").count() == 4
    assert page.locator(".discarded .message").is_visible() is False
    assert opened.silent


def test_nothing_of_what_a_run_says_is_executed(chromium: Browser, tmp_path: Path) -> None:
    said = HOSTILE.replace("\x1b", "")
    script = [
        f"<|channel|>analysis<|message|>{said}<|end|><|start|>assistant"
        f"<|channel|>commentary to=echo.say json<|message|>{said}<|call|>",
        f"<|channel|>final<|message|>{said}<|return|>",
    ]
    opened = look(chromium, recorded(tmp_path, script, Painter([HOSTILE]), task=HOSTILE, instructions=HOSTILE))
    page = opened.page
    page.keyboard.press("u")
    for button in page.locator("button.raw").all():
        button.click()
    assert page.locator("script").count() == 2
    assert page.title().endswith("· final")
    assert page.locator("footer .answer").is_visible()
    assert "<script>document.title='pwned'</script>" in page.locator("footer .answer").inner_text()
    assert page.evaluate("document.documentElement.outerHTML.match(/\\son\\w+=[\"']/)") is None
    assert opened.silent


def test_the_policy_stops_what_would_slip_in(chromium: Browser, tmp_path: Path) -> None:
    opened = look(chromium, recorded(tmp_path, [FINAL]))
    opened.page.evaluate("""() => {
        const image = document.createElement("img"); image.src = "http://127.0.0.1:9/x.png";
        document.body.append(image);
        const inside = document.createElement("div"); inside.innerHTML = "<img src=x onerror='window.ran = true'>";
        document.body.append(inside);
        const script = document.createElement("script"); script.textContent = "window.ran = true";
        document.body.append(script);
    }""")
    opened.page.wait_for_timeout(200)
    assert opened.page.evaluate("window.ran") is None
    assert sum("Content Security Policy" in text for text in opened.complaints) >= 3


def test_raw_tokens_show_when_asked_for(chromium: Browser, tmp_path: Path) -> None:
    page = look(chromium, recorded(tmp_path, [CALL, FINAL], Echo())).page
    assert page.locator(".t.sampled small").count() == 0
    assert page.locator(".legend").is_hidden()
    page.locator("#step-2 h2 button.raw").click()
    chips = page.locator("#step-2 .tokens .t")
    assert chips.locator("small").all_inner_texts()[-1] == "200002"
    assert "<|return|>" in chips.last.inner_text()
    assert chips.first.get_attribute("title") == "token 200006, rendered"
    assert page.locator("#step-2 .tokens .t.sampled").count() == chips.count() - 2
    page.locator("#step-2 h2 button.raw").click()
    assert page.locator(".tokens").count() == 0


def test_keys_move_unfold_and_filter(chromium: Browser, tmp_path: Path) -> None:
    long = "".join(f"line {n}\n" for n in range(100))
    page = look(chromium, recorded(tmp_path, [USELESS, CALL, CALL, FINAL], Echo([long]))).page
    focused = "document.activeElement.id"
    for _ in range(4):
        page.keyboard.press("j")
    assert page.evaluate(focused) == "step-2"
    page.keyboard.press("k")
    assert page.evaluate(focused) == "step-1-1"
    page.keyboard.press("g")
    page.keyboard.press("n")
    assert page.evaluate(focused) == "step-1"
    page.keyboard.press("G")
    assert page.evaluate(focused) == "outcome"
    result = page.locator("#step-1-1 .tool")
    assert "line 90" not in result.inner_text()
    page.keyboard.press("u")
    assert "line 90" in result.inner_text()
    assert result.locator("pre.head").is_hidden()
    page.keyboard.press("f")
    assert "line 90" not in result.inner_text()
    page.get_by_label("results").uncheck()
    assert result.is_hidden()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches(':focus-visible')")


@pytest.mark.parametrize("dark", [False, True])
def test_it_reads_in_light_and_dark(chromium: Browser, tmp_path: Path, dark: bool) -> None:
    """The contrast of every kind of text against what is behind it is at least 4.5 (WCAG AA)."""
    page = look(chromium, recorded(tmp_path, [USELESS, CALL, CALL, FINAL], Painter(["ok"])), dark=dark).page
    page.keyboard.press("u")
    poor = page.evaluate("""() => {
        const parse = (color) => color.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
            .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
            .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
        const behind = (element) => {
            for (let e = element; e; e = e.parentElement) {
                const color = parse(getComputedStyle(e).backgroundColor);
                if (color.length < 4 || color[3] > 0) return color;
            }
            return [255, 255, 255];
        };
        const poor = [];
        for (const e of document.querySelectorAll("main *, header *, footer *")) {
            if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
            if (e.closest("svg, script, style, .discarded")) continue;
            const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < 4.5) poor.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)}`);
        }
        return poor;
    }""")
    assert poor == []


def test_a_run_of_a_thousand_steps_opens_and_moves(chromium: Browser, tmp_path: Path) -> None:
    journal = long_run(recorded(tmp_path, [CALL, FINAL], Echo()), 1_000)
    opened = look(chromium, journal)
    page = opened.page
    assert page.locator("article.step").count() == 1_000
    assert journal.with_suffix(".html").stat().st_size < 3_000_000
    page.keyboard.press("G")
    assert page.locator("#outcome").is_visible()
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.id") == "step-1000"
    page.keyboard.press("t")
    assert page.locator("#step-1000 .tokens .t").count() > 5
    assert opened.silent
