"""`ossia nano`: the embedded model."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ossia.cli._turns import Progress
from ossia.engine import export_checkpoint

app = typer.Typer(help="The embedded model.", no_args_is_help=True)


@app.callback()
def nano() -> None:
    """The embedded model."""


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Where to write; made if missing.")],
    mxfp4: Annotated[bool, typer.Option("--mxfp4", help="Experts in MXFP4, as gpt-oss is published.")] = False,
) -> None:
    """Write nano as an ordinary Hugging Face checkpoint with its tokenizer, for transformers and vLLM."""
    console = Console()
    progress = Progress(console, quiet=False)
    try:
        export_checkpoint(directory, progress=progress, mxfp4=mxfp4)
    finally:
        progress.stop()
    size = sum(file.stat().st_size for file in directory.iterdir() if file.is_file())
    console.print(f"wrote {directory} ({size / 1e6:.0f} MB)", highlight=False)
