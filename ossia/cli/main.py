"""The command's verbs, put together, and its exit codes."""

import sys
from typing import NoReturn

import typer

from ossia.cli import chat, doctor, eval, export, nano, resume, run, sandbox, schema, view
from ossia.errors import InfrastructureError, UserError

app = typer.Typer(
    name="ossia",
    help="Agents for gpt-oss, with the model's own prompt format and tools.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("chat")(chat.chat)
app.command("resume")(resume.resume)
app.command("fork")(resume.fork)
app.command("view")(view.view)
app.command("eval")(eval.evaluate)
app.command("export")(export.export)
app.command("schema")(schema.schema)
app.command("doctor")(doctor.doctor)
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(nano.app, name="nano")


def main() -> NoReturn:
    """Exit codes: 0 a final answer, 1 another outcome, 2 the user's mistake, 3 the infrastructure's."""
    try:
        app()
    except UserError as error:
        _fail(error, 2)
    except InfrastructureError as error:
        _fail(error, 3)
    sys.exit(0)


def _fail(error: Exception, code: int) -> NoReturn:
    print(f"ossia: {error}", file=sys.stderr)
    sys.exit(code)
