"""`ossia sandbox`: the image that sandboxes run, and what is left of old ones."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ossia.cli._turns import Progress
from ossia.errors import UserError
from ossia.sandbox import images

app = typer.Typer(help="The image that sandboxes run, and what is left of old ones.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="python, coding (compilers, git, ripgrep, pytest), or browser (Chromium).")]


@app.command()
def build(
    name: Name = "python",
    base: Annotated[str | None, typer.Option(help="An image with Python 3.11 or newer to start from.")] = None,
    bootstrap: Annotated[
        bool | None, typer.Option("--bootstrap/--no-bootstrap", help="Make a Debian base, or never do.")
    ] = None,
    wheels: Annotated[Path | None, typer.Option(help="A folder of wheels: no network is used.")] = None,
    ca: Annotated[Path | None, typer.Option(help="A CA bundle (PEM) for pip, behind a TLS-inspecting proxy.")] = None,
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing where the image is there.")] = False,
) -> None:
    """Build the image: from python:3.12-slim where a registry answers, else from a Debian base made here."""
    console = Console(stderr=True)
    if name == "browser":
        _build_browser(console)
        return
    if if_missing and images.image_status(name).present:
        return
    progress = Progress(console, quiet=False)
    try:
        built = images.build_image(name, base=base, bootstrap=bootstrap, wheels=wheels, ca_file=ca, progress=progress)
    finally:
        progress.stop()
    size = f"{built.size / 1e6:.0f} MB"
    console.print(f"built {built.name} ({built.digest[:19]}), {size}, in {built.seconds:.0f} s", highlight=False)


def _build_browser(console: Console) -> None:
    """Build the image that holds Chromium, on top of the image python, where it is not there yet."""
    try:
        from ossia.tools.browser.chromium import build_image
    except ImportError as error:
        raise UserError(f"The browser needs {error.name}: pip install 'ossia[browser]'.") from error
    progress = Progress(console, quiet=False)
    try:
        name = build_image(progress)
    finally:
        progress.stop()
    console.print(f"{name} is there", highlight=False)


@app.command("list")
def list_() -> None:
    """Containers and images of ours."""
    for line in images.list_ours():
        print(line)


@app.command()
def clean(
    image: Annotated[bool, typer.Option("--images", help="Our images too.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Sandboxes in use too.")] = False,
) -> None:
    """Remove the containers, control groups and temporary folders whose owner has died."""
    removed = images.clean(images=image, everything=everything)
    for line in removed:
        print(line)
    if not removed:
        print("nothing to remove")
