"""What every sandbox has in common, whichever provider opened it."""

WORKDIR = "/mnt/data"
"""The working directory: the one that gpt-oss was trained to find its files in."""
NOBODY = 65534
"""Uid and gid of all that runs in a sandbox."""


def common_environment() -> dict[str, str]:
    """The variables that every sandbox has; none of the host's are passed on."""
    return {
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "IPYTHONDIR": "/tmp/.ipython",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "LANG": "C.UTF-8",
    }
