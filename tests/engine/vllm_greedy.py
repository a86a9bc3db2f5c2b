"""Run by the interpreter of .venv-vllm: greedy completions of a checkpoint, and its tokenizer, in vLLM on the CPU.

python vllm_greedy.py CHECKPOINT INPUT OUTPUT: reads {"prompts": [[id, ...]], "texts": [...], "max_tokens", "stop"} and
writes {"completions": [[id, ...]], "texts": [[id, ...]]}. Files, because vLLM logs to stdout.
"""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from vllm import LLM, SamplingParams  # after the environment is set, which vLLM reads when imported

    checkpoint, source, target = sys.argv[1:]
    asked = json.loads(Path(source).read_text())
    model = LLM(checkpoint, dtype="bfloat16", max_model_len=4096, max_num_seqs=32, enforce_eager=True)
    sampling = SamplingParams(
        temperature=0.0, max_tokens=asked["max_tokens"], stop_token_ids=asked["stop"], detokenize=False
    )
    outputs = model.generate([{"prompt_token_ids": p} for p in asked["prompts"]], sampling, use_tqdm=False)
    tokenizer = model.get_tokenizer()
    answer = {
        "completions": [list(output.outputs[0].token_ids) for output in outputs],
        "texts": [tokenizer.encode(text, add_special_tokens=False) for text in asked["texts"]],
    }
    Path(target).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
