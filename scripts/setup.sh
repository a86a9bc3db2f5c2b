#!/usr/bin/env bash
# Makes what `make run` and `make test` stand on: system packages, the environment in .venv, a Docker daemon, the image.
# Each part is skipped where it is there already, so that a second call takes a second or two.
#   scripts/setup.sh run     for running agents
#   scripts/setup.sh test    the same, and what the tests need
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-run}
venv=.venv

say() { printf '\033[2m%s\033[0m\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
root() { [ "$(id -u)" -eq 0 ]; }
docker_answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

system_packages() {
    local missing=()
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    if ! docker_answers && ! have dockerd; then missing+=(docker.io); fi
    have bwrap || missing+=(bubblewrap)
    have mmdebstrap || missing+=(mmdebstrap)
    if [ "$purpose" = test ]; then
        have chromium || missing+=(chromium fonts-dejavu-core fonts-liberation)
        have openssl || missing+=(openssl)
        [ -d /usr/share/python3-searx ] || missing+=(python3-searx)
    fi
    [ ${#missing[@]} -eq 0 ] && return 0
    if ! root || ! have apt-get; then
        say "not installed: ${missing[*]} (needs root and apt); going on without"
        return 0
    fi
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
}

python_environment() {
    local stamp=$venv/.ossia-$purpose want
    want=$(cat pyproject.toml scripts/setup.sh scripts/torch.sh | sha256sum)
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && return 0
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or newer is needed"; exit 3; }
    say "making the environment in $venv"
    [ -x $venv/bin/python ] || python3 -m venv $venv
    if [ "$purpose" = test ]; then
        scripts/torch.sh $venv/bin/python
        $venv/bin/python -m pip install -q -e '.[test,local,browser,mcp]'
    else
        $venv/bin/python -m pip install -q -e .
    fi
    echo "$want" >"$stamp"
}

docker_daemon() {
    docker_answers && return 0
    root && have dockerd || return 0
    say "starting the Docker daemon"
    if have systemctl && systemctl is-system-running >/dev/null 2>&1; then
        systemctl start docker || true
    else
        setsid nohup dockerd >/tmp/ossia-dockerd.log 2>&1 </dev/null &
    fi
    for _ in $(seq 60); do docker_answers && return; sleep 0.5; done
    say "the Docker daemon did not start (see /tmp/ossia-dockerd.log); going on without"
}

sandbox_image() {
    # Where neither provider can be had, the run itself says so, and what to do.
    $venv/bin/ossia sandbox build --if-missing || true
    [ "$purpose" != test ] || $venv/bin/ossia sandbox build browser --if-missing || true
}

system_packages
python_environment
docker_daemon
sandbox_image
