"""Runs in vLLM's environment: which experts kernel vLLM would take for gpt-oss on GPUs that are not here.

Prints {compute capability: backend}: the first of vLLM's own order of backends whose experts say, of a platform that
pretends to be such a GPU with every optional library installed, that they support it and bfloat16 activations.
"""

import json
import sys
from unittest.mock import patch

from vllm.model_executor.layers.fused_moe.oracle import mxfp4
from vllm.platforms.interface import DeviceCapability


class Pretended:
    """The platform of a GPU, as far as it is asked."""

    def __init__(self, capability: tuple[int, int]) -> None:
        self.capability = DeviceCapability(*capability)

    def is_cuda(self) -> bool:
        return True

    def is_cuda_alike(self) -> bool:
        return True

    def is_rocm(self) -> bool:
        return False

    is_xpu = is_cpu = is_rocm

    def get_device_capability(self) -> DeviceCapability:
        return self.capability

    def has_device_capability(self, wanted: tuple[int, int] | int) -> bool:
        least = wanted if isinstance(wanted, tuple) else divmod(wanted, 10)
        return (self.capability.major, self.capability.minor) >= least

    def is_device_capability(self, wanted: tuple[int, int] | int) -> bool:
        exact = wanted if isinstance(wanted, tuple) else divmod(wanted, 10)
        return (self.capability.major, self.capability.minor) == exact

    def is_device_capability_family(self, wanted: int) -> bool:
        return bool(self.capability.major == wanted // 10)


def first(capability: tuple[int, int]) -> str:
    platform = Pretended(capability)
    with patch.object(mxfp4, "current_platform", platform):
        order = mxfp4._filter_by_activation(mxfp4._get_priority_backends_for_gpt_oss(), None)
    for backend in order:
        for experts in mxfp4.backend_to_kernel_cls(backend):
            home = sys.modules[experts.__module__]
            changed: dict[str, object] = {name: lambda *_: True for name in dir(home) if name.startswith("has_")}
            with patch.dict(vars(home), changed | {"current_platform": platform}):
                scheme = (mxfp4.kMxfp4Static, mxfp4._backend_activation_key(backend))
                if experts._supports_current_device() and experts._supports_quant_scheme(*scheme):
                    return str(backend.value)
    return "none"


def main() -> None:
    asked = [(int(major), int(minor)) for major, minor in (each.split(".") for each in sys.argv[1:])]
    print(json.dumps({"{}.{}".format(*capability): first(capability) for capability in asked}))


if __name__ == "__main__":
    main()
