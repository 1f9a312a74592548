"""What IREE has to be told about a program whose devices are of different kinds.

Where a tensor goes from one device to another, IREE allocates it in memory that both can use. For
devices of one kind it takes that for granted; of different kinds it must find a
``stream.topology`` on the module that says so, and no flag sets one. A transform script does, which
``iree-compile`` runs before it forms dispatches.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

from ireelab.pipeline.cache import cache_folder
from ireelab.pipeline.saved import write_atomically

_OPTION = "iree-preprocessing-transform-spec-filename"
_PREFIX = "topology-"
_SCRIPT = """module attributes {{transform.with_named_sequence}} {{
  transform.named_sequence @__transform_main(%module: !transform.any_op {{transform.readonly}}) {{
    %topology = transform.param.constant #hal.device.topology<links = [
      {links}
    ]> -> !transform.any_param
    transform.annotate %module "stream.topology" = %topology
      : !transform.any_op, !transform.any_param
    transform.yield
  }}
}}
"""


def topology_flags(devices: Sequence[str]) -> tuple[str, ...]:
    """Flags of ``iree-compile`` that let each of the named devices use the others' memory."""
    script = _script(devices).encode()
    name = f"{_PREFIX}{hashlib.sha256(script).hexdigest()[:16]}.mlir"
    return (f"--{_OPTION}={_kept(name, script)}",)


def own_topology(command: Sequence[str], source: str) -> tuple[str, ...]:
    """The flags of a compilation, without ours where the source has a topology of its own."""
    ours = f"--{_OPTION}={cache_folder()}", f"--{_OPTION}={tempfile.gettempdir()}"
    keep = "stream.topology" not in source
    return tuple(
        f for f in command if keep or not f.startswith(tuple(f"{o}/{_PREFIX}" for o in ours))
    )


def _script(devices: Sequence[str]) -> str:
    links = [f"(@{a} -> @{b} = {{transparent_access = true}})" for a, b in permutations(devices, 2)]
    return _SCRIPT.format(links=",\n      ".join(links))


def _kept(name: str, script: bytes) -> Path:
    """The script as a file that stays, so that reproducers and kept flags find it."""
    for folder in (cache_folder(), Path(tempfile.gettempdir())):
        path = folder / name
        try:
            if not path.exists() or path.read_bytes() != script:
                folder.mkdir(parents=True, exist_ok=True)
                write_atomically(path, script)
        except OSError:
            continue
        return path
    raise OSError(f"neither {cache_folder()} nor {tempfile.gettempdir()} can be written to")
