"""Runs in vLLM's environment: parses lines of `vllm serve` with vLLM's own parser, and prints what they mean."""

import json
import shlex
import sys

from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser


def main() -> None:
    parser = make_arg_parser(FlexibleArgumentParser())
    parsed = [vars(parser.parse_args(["--model", *shlex.split(line)[2:]])) for line in sys.stdin.read().splitlines()]
    names = (
        "model",
        "prefix_cache_retention_interval",
        "enable_scale_out",
        "enable_prompt_tokens_details",
        "tensor_parallel_size",
        "max_model_len",
        "distributed_executor_backend",
    )
    print(json.dumps([{name: each[name] for name in names} for each in parsed]))


if __name__ == "__main__":
    main()
