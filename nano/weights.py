"""An engine with the weights of a run, to measure them before they are shipped."""

from hashlib import sha256
from pathlib import Path

from ossia.engine import Sampling
from ossia.engine.nano import NanoEngine
from ossia.engine.nano._kv import Tokens
from ossia.engine.nano._load import CORE, read_core
from ossia.engine.nano._model import Model
from ossia.engine.nano._mxfp4 import pack_experts, unpack_experts
from ossia.engine.nano._tensors import Floats
from ossia.engine.nano._vocabulary import open_table


def open_core(path: Path | None = None, *, mxfp4: bool = False) -> NanoEngine:
    """The embedded engine with the weights of the core file `path`; None: those that ship. Close it with `aclose()`.

    `mxfp4`: with the experts rounded as `ossia nano export --mxfp4` packs them.
    """
    core = read_core(path or CORE)
    unembed = open_table(core.config.hidden_size, core.table_seed)

    def embed(tokens: Tokens) -> Floats:
        return unembed[:, tokens].T * core.embed_scale

    tensors = unpack_experts(pack_experts(core.tensors)) if mxfp4 else core.tensors
    name = "nano" if path is None else f"nano with {path}"
    model = Model(core.config, tensors, embed, unembed)
    return NanoEngine(model, name=name, default_sampling=Sampling(temperature=0.0))


def weights_hash(path: Path | None = None) -> str:
    """The SHA-256 of the core file `path`, in hexadecimal; None: of those weights that ship."""
    return sha256((path or CORE).read_bytes()).hexdigest()
