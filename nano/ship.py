"""Put a trained core into the package: `python -m nano.ship RUN/core.safetensors --minutes 66 --tokens 16000000`."""

import argparse
from pathlib import Path

import torch

import ossia.engine.nano
from nano.export import load_core, save_core
from nano.model import Nano

SHIPPED = Path(ossia.engine.nano.__file__).with_name("core.safetensors")


@torch.no_grad()
def sharpen(model: Nano, factor: float) -> None:
    """Multiply all logits by `factor`, through the last norm: sampling at temperature t is then what t / `factor` was.

    Greedy completions stay as they are.
    """
    model.norm.weight.mul_(factor)


def ship(core: Path, factor: float, minutes: float, tokens: int, target: Path = SHIPPED) -> None:
    """Write `core`, sharpened, as `target`; `minutes` and `tokens` are those of all its training."""
    model = load_core(core)
    sharpen(model, factor)
    notes = {"minutes": f"{minutes:g}", "tokens": str(tokens), "sharpened": f"{factor:g}"}
    save_core(model, target, notes)
    target.chmod(0o644)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("core", type=Path)
    parser.add_argument("--sharpen", type=float, default=1.0, help="factor of all logits")
    parser.add_argument("--minutes", type=float, required=True, help="training time, as the card gives it")
    parser.add_argument("--tokens", type=int, required=True, help="training tokens, as the card gives them")
    a = parser.parse_args()
    ship(a.core, a.sharpen, a.minutes, a.tokens)


if __name__ == "__main__":
    main()
