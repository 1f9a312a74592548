"""The ``ireelab`` command: one module per subcommand, each with ``add`` and ``execute``."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ireelab.cli import (
    check,
    compare,
    debug,
    devices,
    executables,
    explore,
    ir,
    notebook,
    passes,
    provenance,
    resume,
    run,
    simulate,
)
from ireelab.cli.common import USAGE_ERRORS, describe, last_step
from ireelab.errors import CompileInterrupted, IreelabError, explain_missing

_COMMANDS = (
    explore, ir, resume, run, debug, check, compare, passes, provenance, executables, simulate,
    devices, notebook,
)  # fmt: skip

_EPILOG = """examples:
  ireelab explore model.mlir --run --input=8x64xf32=1 --html model.html
  ireelab run model.vmfb --function=main --input=@x.npy --timeline model.json
  ireelab check tests.mlir

exit codes: 0 success, 1 a compile, a run or a check failed, 2 wrong usage, 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code that ``--help`` promises."""
    words = sys.argv[1:] if argv is None else argv
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] # closed: `>&-`
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 # open as long as the process
    arguments = _arguments(_join_flags(words))
    try:
        code: int = arguments.execute(arguments)
        sys.stdout.flush()
        return code
    except CompileInterrupted as error:
        _say(f"interrupted {last_step(error.trace)}")
        return 130
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except USAGE_ERRORS as error:
        _say(str(error))
        return 2
    except IreelabError as error:
        _say(describe(error))
        return 1
    except ModuleNotFoundError as error:
        explained = explain_missing(error)
        if explained is None:
            raise
        _say(str(explained))
        return 1
    except BrokenPipeError:
        _drop_output()  # The reader (`| head`) has gone.
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        _drop_output()
        _say(f"cannot write the output: {error.strerror}")
        return 1


def _drop_output() -> None:
    """Keep the interpreter from flushing at exit into what takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    """The options, or exit code 2: what a command does not know is refused with its usage."""
    arguments, unknown = _parser().parse_known_args(words)
    if unknown:
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return arguments


def _join_flags(words: Sequence[str]) -> list[str]:
    """``--flag --x`` becomes ``--flag=--x``: argparse takes what starts with - for an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--flag":
            joined[-1] = f"--flag={word}"
        else:
            joined.append(word)
    return joined


def _say(text: str) -> None:
    print(f"ireelab: {text}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ireelab",
        description="Compile with IREE step by step, run the result, and look inside.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in _COMMANDS:
        module.add(commands)
    return parser


def _version() -> str:
    import ireelab

    return f"ireelab {ireelab.__version__}"
