"""``ireelab devices``: what can run here, and why not what cannot."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from ireelab.cli.common import add_command

if TYPE_CHECKING:
    from ireelab.cli.common import Commands


def add(commands: Commands) -> None:
    parser = add_command(
        commands, "devices", summary="list what can run here, and why not what cannot"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    import ireelab

    found = ireelab.devices()
    if arguments.json:
        print(json.dumps([asdict(device) for device in found], indent=2))
        return 0
    width = max((len(device.id) for device in found), default=0)
    for device in found:
        state = device.description if device.available else f"not available: {device.reason}"
        print(f"{device.id.ljust(width)}  {state}")
    return 0
