"""Runs a lab pipeline, in a child of the worker: the only importer of ``iree.compiler`` there.

The job is a file (see ``lab.job``). Every step's snapshots carry its number in the journal. What
stops a job is told in a file of its own, so that the parent need not read it out of a log.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import base64
import gc
import json
import re
import sys
import traceback
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cloudpickle

from ireelab.pipeline.instrumentation_ffi import Journal
from ireelab.pipeline.invocation_ffi import Invocation

_FLAG = re.compile(r"\$(?P<name>[a-z][\w-]*)(?:\|(?P<default>[^}\s]*))?")
_MOST_ROUNDS = 10
_NO_LIMIT = 1 << 62
_ROUND = "iree.fixedpoint.iteration"
_MODIFIED = "iree.fixedpoint.modified"
_TRUE = ("true", "1", "TRUE", "True", "")


class _Stopped(Exception):
    """A step did not succeed; the outcome is written."""


class LabRun:
    """One job."""

    def __init__(self, job: dict[str, Any], argv: list[str], journal: Journal) -> None:
        self._job = job
        self._journal = journal
        self._elide = int(job["elide"])
        self._invocation = Invocation(argv)
        self._flags = self._invocation.flags()
        for flag in job["flags"]:  # Those that belong to no session are only on the command line.
            name, separator, value = flag.lstrip("-").partition("=")
            self._flags.setdefault(name, value if separator else "true")
        sys.path[:] = job["path"]
        self._module: Any = None
        self._context: Any = None

    def run(self) -> int:
        """Every step; the exit code of the process."""
        from iree.compiler import ir

        self._context = ir.Context._CAPICreate(self._invocation.context_capsule())
        with self._context, ir.Location.unknown():
            capsule = self._invocation.parse(self._job["source"])
            if capsule is None:
                return 1
            self._module = ir.Module._CAPICreate(capsule)
            self._dump("Before", "ireelab-input")
            try:
                for number, step in enumerate(self._job["steps"]):
                    if _holds(step["when"], self._flags):
                        self._journal.begin_step(number)
                        self._step(step)
            except _Stopped:
                return 1
            if self._job["module"]:
                self._write_module(Path(self._job["module"]))
            if self._job["output"]:
                self._invocation.write_program(Path(self._job["output"]))
        return 0

    def _write_module(self, path: Path) -> None:
        """The module whole, and beside it as snapshots show it: the same lines."""
        for file, limit in ((path, _NO_LIMIT), (path.with_suffix(".elided"), self._elide)):
            text = self._module.operation.get_asm(
                use_local_scope=True,
                large_elements_limit=limit,  # Without one that of the snapshots holds.
                large_resource_limit=limit,
                assume_verified=True,
            )
            file.write_text(text, "utf-8")

    def _step(self, step: dict[str, Any]) -> None:
        if step["kind"] == "python":
            self._python(step)
            return
        if step["kind"] == "driver":
            done = self._invocation.run_phases(*step["phases"])
        else:
            text = _with_options(_resolved(step["text"], self._flags), step["options"])
            done = self._repeated(text) if step["repeat"] else self._passes(text)
        if not done:
            self._stop(step, kind="passes")

    def _passes(self, text: str) -> bool:
        return self._invocation.run_passes(text) if text else True

    def _repeated(self, text: str) -> bool:
        """Passes until they no longer mark the module as modified."""
        from iree.compiler import ir

        attributes = self._module.operation.attributes
        for count in range(_MOST_ROUNDS):
            attributes[_ROUND] = ir.IntegerAttr.get(ir.IndexType.get(), count)
            if _MODIFIED in attributes:
                del attributes[_MODIFIED]
            if not self._passes(text):
                return False
            if _MODIFIED not in attributes:
                del attributes[_ROUND]
                return True
        print("error: maximum iteration count exceeded in fixed point pipeline", file=sys.stderr)
        return False

    def _python(self, step: dict[str, Any]) -> None:
        """A function of the user's on the live module; then the verifier has its say."""
        from iree.compiler import ir

        try:
            function = cloudpickle.loads(base64.b64decode(step["pickle"]))
            options = cloudpickle.loads(base64.b64decode(step["options_pickle"]))
            function(self._module, MappingProxyType(options))
        except BaseException as error:
            self._dump("Failed", step["name"])
            self._stop(step, kind="python", **_described(error))
        finally:
            sys.stdout.flush()
        function = None
        gc.collect()  # Handles to ops must not outlive this step: the next one moves the ops.
        try:
            valid = self._module.operation.verify()
            message = "" if valid else "the verifier refuses it"
        except ir.MLIRError as error:
            message = str(error)
        if message:
            self._stop(step, kind="invalid", message=message)
        self._dump("After", step["name"])

    def _dump(self, when: str, name: str) -> None:
        """The module, printed as MLIR's own printer does."""

        def text() -> str:
            return self._module.operation.get_asm(
                use_local_scope=True,
                large_elements_limit=self._elide,
                large_resource_limit=self._elide,
                assume_verified=True,
            )

        self._journal.add(when, name, text)

    def _stop(self, step: dict[str, Any], **outcome: Any) -> None:
        Path(self._job["outcome"]).write_text(json.dumps({"step": step["name"], **outcome}))
        raise _Stopped


def run(path: str, argv: list[str], journal: Journal) -> int:
    """Run the job in a file; what ``iree-compile`` would return."""
    return LabRun(json.loads(Path(path).read_text()), argv, journal).run()


def _resolved(text: str, flags: dict[str, str]) -> str:
    """The text with the values of flags in it.

    >>> _resolved("a{x=$f y=$g|3}", {"f": "true"})
    'a{x=true y=3}'
    """
    return _FLAG.sub(lambda match: flags.get(match["name"], match["default"] or ""), text)


def _holds(condition: str, flags: dict[str, str]) -> bool:
    """Does a step run with these flags?

    >>> _holds("a|b&!c", {"b": "true"}), _holds("mode=sync", {"mode": "async"}), _holds("", {})
    (True, False, True)
    """

    def one(term: str) -> bool:
        name, separator, value = term.removeprefix("!").partition("=")
        is_set = name in flags and (flags[name] == value if separator else flags[name] in _TRUE)
        return is_set != term.startswith("!")

    return all(
        any(one(term) for term in group.split("|")) for group in condition.split("&") if group
    )


def _with_options(text: str, options: dict[str, Any]) -> str:
    """The last pass of a text (innermost) given options besides those it has.

    >>> _with_options("util.func(p{a=1})", {"b": True})
    'util.func(p{a=1 b=true})'
    """
    if not options:
        return text
    added = " ".join(f"{name.replace('_', '-')}={_spelled(v)}" for name, v in options.items())

    def extend(match: re.Match[str]) -> str:
        return f"{match[1]}{{{match[2] + ' ' if match[2] else ''}{added}}}{match[3]}"

    return re.sub(r"([\w-]+)(?:\{([^{}]*)\})?(\)|$)", extend, text)


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _described(error: BaseException) -> dict[str, Any]:
    """An exception as data: the parent has the sources of notebook cells, this process has not."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # The first frame is this module's.
    return {
        "type": type(error).__name__,
        "message": "".join(traceback.format_exception_only(error)).strip(),
        "frames": [[frame.filename, frame.lineno, frame.name] for frame in frames],
    }
