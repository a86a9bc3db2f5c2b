"""The sizes of nano, and the Hugging Face config that they make."""

from dataclasses import dataclass

from ossia.engine.nano.table import VOCABULARY
from ossia.types import JsonValue

STOP_TOKENS = (200002, 200012, 199999)
"""`<|return|>`, `<|call|>`, `<|endoftext|>`."""
PAD_TOKEN = 199999


@dataclass(frozen=True, slots=True)
class NanoConfig:
    """Sizes of a small `GptOssForCausalLM`; what is not named here is as in gpt-oss itself."""

    hidden: int = 128
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    experts: int = 4
    active_experts: int = 2
    intermediate: int = 128

    head_dim: int = 64
    window: int = 128
    eps: float = 1e-5
    swiglu_limit: float = 7.0
    swiglu_alpha: float = 1.702

    rope_theta: float = 150_000.0
    rope_factor: float = 32.0
    rope_beta_fast: float = 32.0
    rope_beta_slow: float = 1.0
    rope_original_context: int = 4_096

    def sliding(self, layer: int) -> bool:
        """True where a layer sees a window of `window` positions only: every other one, from the first."""
        return layer % 2 == 0

    def huggingface(self) -> dict[str, JsonValue]:
        """The contents of `config.json` of the ordinary checkpoint."""
        kinds = ["sliding_attention" if self.sliding(i) else "full_attention" for i in range(self.layers)]
        return {
            "architectures": ["GptOssForCausalLM"],
            "model_type": "gpt_oss",
            "dtype": "bfloat16",
            "vocab_size": VOCABULARY,
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "layer_types": kinds,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "attention_bias": True,
            "attention_dropout": 0.0,
            "sliding_window": self.window,
            "num_local_experts": self.experts,
            "num_experts_per_tok": self.active_experts,
            "router_aux_loss_coef": 0.001,
            "swiglu_limit": self.swiglu_limit,
            "swiglu_alpha": self.swiglu_alpha,
            "hidden_act": "silu",
            "rms_norm_eps": self.eps,
            "rope_theta": self.rope_theta,
            "rope_parameters": self._rope(),
            "max_position_embeddings": 131_072,
            "initializer_range": 0.02,
            "tie_word_embeddings": False,
            "use_cache": True,
            "eos_token_id": list(STOP_TOKENS),
            "pad_token_id": PAD_TOKEN,
        }

    def _rope(self) -> dict[str, JsonValue]:
        return {
            "rope_type": "yarn",
            "rope_theta": self.rope_theta,
            "factor": self.rope_factor,
            "beta_fast": self.rope_beta_fast,
            "beta_slow": self.rope_beta_slow,
            "original_max_position_embeddings": self.rope_original_context,
            "truncate": False,
        }
