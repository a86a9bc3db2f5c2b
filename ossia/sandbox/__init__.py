"""Places to run untrusted code: one interface, several providers."""

from ossia.sandbox._owner import labels as owner_labels
from ossia.sandbox.bubblewrap import Bubblewrap
from ossia.sandbox.docker import Docker
from ossia.sandbox.errors import SandboxFileError, SandboxUsageError
from ossia.sandbox.local import UnsafeLocal
from ossia.sandbox.protocol import (
    CellError,
    CellOutput,
    CellResult,
    Display,
    ExecResult,
    FileInfo,
    Guarantees,
    Sandbox,
    SandboxInfo,
    SandboxLimits,
    SandboxNeeds,
    SandboxProvider,
    Snapshot,
    Stats,
    Stream,
)
from ossia.sandbox.resolve import resolve

__all__ = [
    "Bubblewrap",
    "CellError",
    "CellOutput",
    "CellResult",
    "Display",
    "Docker",
    "ExecResult",
    "FileInfo",
    "Guarantees",
    "Sandbox",
    "SandboxFileError",
    "SandboxInfo",
    "SandboxLimits",
    "SandboxNeeds",
    "SandboxProvider",
    "SandboxUsageError",
    "Snapshot",
    "Stats",
    "Stream",
    "UnsafeLocal",
    "owner_labels",
    "resolve",
]
