"""The shape of a gpt-oss model, read from a Hugging Face `config.json`."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ossia.errors import EngineError
from ossia.types import JsonValue


class Yarn(BaseModel):
    """Rotary positions stretched beyond the trained context (YaRN, arXiv 2309.00071)."""

    model_config = ConfigDict(frozen=True)

    rope_theta: float = 150_000.0
    factor: float = 32.0
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    original_max_position_embeddings: int = 4096
    truncate: bool = False
    rope_type: Literal["yarn"] = "yarn"


class ModelConfig(BaseModel):
    """`GptOssConfig` of transformers, the fields that the forward pass needs, under the same names."""

    model_config = ConfigDict(frozen=True)

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    num_local_experts: int
    num_experts_per_tok: int
    layer_types: tuple[Literal["sliding_attention", "full_attention"], ...]
    sliding_window: int
    vocab_size: int = 201_088
    rms_norm_eps: float = 1e-5
    swiglu_alpha: float = 1.702
    swiglu_limit: float = 7.0
    max_position_embeddings: int = 131_072
    rope_parameters: Yarn = Yarn()

    @classmethod
    def from_hf(cls, fields: Mapping[str, JsonValue]) -> "ModelConfig":
        """Read a parsed `config.json`, in the form of transformers 4 (`rope_scaling`) or 5 (`rope_parameters`).

        Raises `EngineError` when it does not describe a gpt-oss model.
        """
        rope = _mapping(fields.get("rope_parameters")) or _mapping(fields.get("rope_scaling"))
        if "rope_theta" in fields:
            rope = {"rope_theta": fields["rope_theta"], **rope}
        try:
            config = cls.model_validate({**fields, "rope_parameters": rope})
        except ValidationError as error:
            raise EngineError(f"the model's config.json is not one of a gpt-oss model: {error}") from error
        if len(config.layer_types) != config.num_hidden_layers:
            raise EngineError(
                f"the model's config.json names {len(config.layer_types)} layer types for "
                f"{config.num_hidden_layers} layers"
            )
        return config

    def window(self, layer: int) -> int | None:
        """How many of the newest tokens a query of this layer sees, itself included; None: all."""
        return self.sliding_window if self.layer_types[layer] == "sliding_attention" else None

    def to_hf(self) -> dict[str, JsonValue]:
        """The `config.json` of an ordinary checkpoint, in the form in which gpt-oss itself is published."""
        fields: dict[str, JsonValue] = self.model_dump(mode="json", exclude={"rope_parameters"})
        rope = self.rope_parameters.model_dump(mode="json", exclude={"rope_theta"})
        return {
            "architectures": ["GptOssForCausalLM"],
            "model_type": "gpt_oss",
            "torch_dtype": "bfloat16",
            "attention_bias": True,
            "attention_dropout": 0.0,
            "hidden_act": "silu",
            "tie_word_embeddings": False,
            "use_cache": True,
            "eos_token_id": 200_002,
            "pad_token_id": 199_999,
            **fields,
            "rope_theta": self.rope_parameters.rope_theta,
            "rope_scaling": rope,
        }


def _mapping(value: JsonValue) -> dict[str, JsonValue]:
    return dict(value) if isinstance(value, Mapping) else {}
