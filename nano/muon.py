"""Muon: momentum whose update is orthogonalised (Jordan et al. 2024), for the matrices of a small model."""

import torch
from torch import Tensor, nn


class Muon:
    """Momentum with a Newton-Schulz step. Matrices of one shape are orthogonalised in one batch."""

    def __init__(self, parameters: list[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.01) -> None:
        self.parameters, self.lr, self.momentum, self.decay = parameters, lr, momentum, decay
        self.buffers = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """Update every parameter that has a gradient, at `factor` times the learning rate."""
        shapes: dict[tuple[int, ...], list[tuple[nn.Parameter, Tensor]]] = {}
        for parameter, buffer in zip(self.parameters, self.buffers, strict=True):
            if parameter.grad is None:
                continue
            buffer.lerp_(parameter.grad, 1 - self.momentum)
            update = parameter.grad.lerp(buffer, self.momentum)
            shapes.setdefault(tuple(parameter.shape), []).append((parameter, update))
        for pairs in shapes.values():
            self._update(pairs, factor)

    def _update(self, pairs: list[tuple[nn.Parameter, Tensor]], factor: float) -> None:
        stacked = torch.stack([update for _, update in pairs]).flatten(0, -3)
        directions = orthogonal(stacked).view(len(pairs), *pairs[0][0].shape)
        rate = self.lr * factor
        short, long = sorted(stacked.shape[-2:])
        size = 0.1 * short**0.5 * (long / short) ** 0.5
        for (parameter, _), direction in zip(pairs, directions, strict=True):
            parameter.mul_(1 - rate * self.decay).add_(direction, alpha=-rate * size)


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices [n, a, b] with their singular values brought near one, by five Newton-Schulz iterations."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: Tensor = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.775 * square + 2.0315 * square @ square) @ x
    return x.mT if tall else x
