"""A program loaded on a device: module state, imports and functions, ready to be called.

Mirrors ``runtime/src/iree/vm/context.h``. State of globals persists from call to call.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ireelab.errors import ProgramError, UnsupportedImport, VMError
from ireelab.hal.allocator import Allocator
from ireelab.hal.buffer import BufferView
from ireelab.hal.device import Device
from ireelab.hal.element_type import element_type_from_dtype
from ireelab.vm.abi import INPUT_MEMORY, INPUT_USAGE, Array, Result, Signature, Value
from ireelab.vm.check_module import CheckModule
from ireelab.vm.devices import Devices, not_loadable, open_devices
from ireelab.vm.hal_module import HalModule
from ireelab.vm.parameters_module import ParametersModule
from ireelab.vm.scheduler import Coroutine, Wait, drive
from ireelab.vm.semantics import HELPERS
from ireelab.vm.status import INCOMPATIBLE, failure
from ireelab.vm.values import VMBuffer

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from ireelab.program import Program
    from ireelab.vm.module import Import

_RESOURCE_EXHAUSTED = 8


class State:
    """What the instructions of one context work on: globals, read-only data, imports."""

    def __init__(self, program: Program, devices: Sequence[Device]) -> None:
        module = program.module
        self.program = program
        self.globals: list[Any] = [0] * (-(-module.global_bytes // 4) + 1)
        self.refs: list[Any] = [None] * module.global_refs
        self.rodata = tuple(VMBuffer(data.data) for data in module.rodata)
        inline = len(devices) == 1 and devices[0].synchronous
        inline = inline and not any(f.asynchronous for f in program.functions)
        self.hal = HalModule(devices, program.llvm_ir, program.binaries, inline=inline)
        self.check = CheckModule()
        self.parameters = ParametersModule(program.parameters)
        found = [self._resolve(i) for i in module.imports]
        self.imports = tuple(function or _missing(i) for function, i in found)
        self.resolved = tuple(int(function is not None) for function, _ in found)

    def _resolve(self, imported: Import) -> tuple[Callable[..., Any] | None, Import]:
        module_name = imported.name.partition(".")[0]
        modules = {"hal": self.hal, "check": self.check, "io_parameters": self.parameters}
        provider = modules.get(module_name)
        function = provider.resolve(imported.name) if provider else None
        if function is None and not imported.optional:
            raise UnsupportedImport(
                f"{self.program.name!r} needs {imported.name.partition('.')[2]!r} of the module "
                f"{module_name!r}; there are functions of {', '.join(modules)} here"
            )
        return function, imported

    def close(self) -> None:
        self.hal.close()
        self.globals.clear()
        self.refs.clear()


def _missing(imported: Import) -> Callable[..., Any]:
    def call(*_arguments: object) -> None:
        raise VMError(f"optional import {imported.name!r} is not resolved", status=5)

    return call


@dataclass(frozen=True, slots=True)
class Entry:
    """An exported function, ready to be called."""

    signature: Signature
    ordinal: int
    code: Callable[..., Any]
    plain: bool  # returns its results; others are coroutines


class Context:
    """A program on one device or several; use it in ``with``, or call ``close``.

    ``device`` is a name (then the context owns the device) or an open device, or a list of those
    for a program that uses several at once: it finds each by its kind, and several of one kind by
    their order. ``device`` is the first of ``devices``. One thread at a time;
    several invocations interleave through ``start`` and a ``Scheduler``.
    """

    def __init__(self, program: Program, device: Devices = "llvm-cpu") -> None:
        self.program = program
        program.translation  # noqa: B018  # fails on malformed bytecode before a device is opened
        self.devices, self._owned = open_devices(device)
        self.device = self.devices[0]
        self._entries: dict[str, Entry] = {}
        self._namespace: dict[str, Any] = {}
        self._closed = False
        try:
            self.state = State(program, self.devices)
            self._functions = self._instantiate()
            self._initialize()
        except BaseException:
            self.close()
            raise

    def invoke(
        self, function: str | None, *arrays: Any, timeout_s: float | None = None
    ) -> tuple[Value, ...]:
        """Calls an exported function and waits for its results.

        Raises ``UnknownFunction``, ``InvalidInput`` (before anything runs), or what the program
        or the device failed with.
        """
        entry = self._entries.get(function or "") or self.entry(function)
        signature = entry.signature
        arguments = signature.to_device(arrays)
        try:
            if entry.plain:
                return signature.to_host(entry.code(*arguments))
            return signature.to_host(drive(self._begin(entry, arguments), timeout_s))
        except (AttributeError, RecursionError) as error:
            raise explained(error) from error

    def call(self, function: str | None, *arrays: Any) -> tuple[Result, ...]:
        """The same as ``invoke``, but tensors stay on the device, as views.

        They are inputs of a next call (which may compute in their memory), or operands of the
        device's own operations; ``to_numpy`` gives a view's elements.
        """
        entry = self._entries.get(function or "") or self.entry(function)
        arguments = entry.signature.to_device(arrays)
        try:
            result = entry.code(*arguments) if entry.plain else drive(self._begin(entry, arguments))
        except (AttributeError, RecursionError) as error:
            raise explained(error) from error
        return entry.signature.as_views(result)

    def put(self, array: Array) -> BufferView:
        """An input that stays on the device, for weights and other arrays used call after call.

        Without a copy where the device works in host memory and the array is C-contiguous, and
        aligned to 64 bytes (llvm-cpu) or large (Vulkan on CPUs and integrated GPUs). A program that
        works in place (a sort does) writes into it.
        """
        buffer = self._inputs().share_host(array, INPUT_MEMORY, INPUT_USAGE)
        return BufferView(buffer, array.shape, element_type_from_dtype(array.dtype))

    def start(
        self, function: str | None, *arrays: Any
    ) -> Generator[Wait | None, None, tuple[Value, ...]]:
        """An invocation as a coroutine for a ``Scheduler``; inputs are checked at once."""
        entry = self.entry(function)
        arguments = entry.signature.to_device(arrays)

        def coroutine() -> Generator[Wait | None, None, tuple[Value, ...]]:
            if entry.plain:
                return entry.signature.to_host(entry.code(*arguments))
            return entry.signature.to_host((yield from self._begin(entry, arguments)))

        return coroutine()

    def close(self) -> None:
        """Releases everything the program holds; outputs stay valid. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._entries.clear()
        self._namespace.clear()
        if hasattr(self, "state"):
            self.state.close()
        for device in self._owned:
            device.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- set-up ---------------------------------------------------------------------

    def _instantiate(self) -> tuple[Callable[..., Any], ...]:
        """The generated functions, over this context's state."""
        state, namespace = self.state, self._namespace
        namespace.update(HELPERS)
        namespace.update(Wait=Wait, failure=failure, G=state.globals, R=state.refs, D=state.rodata)
        namespace.update((f"D{i}", data) for i, data in enumerate(state.rodata))
        translation = self.program.translation
        for name, function, resolved in zip(
            translation.import_names, state.imports, state.resolved, strict=True
        ):
            namespace[name] = function
            namespace[f"{name}_resolved"] = resolved
        return translation.instantiate(namespace)

    def _initialize(self) -> None:
        """Runs ``__init``: it finds the device, loads executables and fills globals."""
        ordinal = self.program.module.exports.get("__init")
        if ordinal is None:
            return
        try:
            result = self._functions[ordinal]()
            if self._yields(ordinal):
                drive(result)
        except VMError as error:
            if error.status != INCOMPATIBLE:
                raise
            raise not_loadable(self.program, self.devices, error) from error

    def _yields(self, ordinal: int) -> bool:
        return self.program.translation.functions[ordinal].yields

    def _inputs(self) -> Allocator:
        """Where inputs go: to the device, or to memory that all of several use."""
        shared = self.state.hal.shared
        return self.device.allocator if shared is None else shared.device.allocator

    def entry(self, name: str | None) -> Entry:
        """How to call a function (the only one, if None); cached by name."""
        found = self._entries.get(name or "")
        if found is None:
            if self._closed:
                raise VMError("the context is closed", status=9)
            function = self.program.function(name)
            ordinal = self.program.module.exports[function.name]
            found = Entry(
                Signature(function, self._inputs(), alone=len(self.devices) == 1),
                ordinal,
                self._functions[ordinal],
                not function.asynchronous and not self._yields(ordinal),
            )
            self._entries[name or ""] = found
        return found

    # --- calls ----------------------------------------------------------------------

    def _begin(self, entry: Entry, arguments: list[Any]) -> Coroutine:
        """A function that may wait, as the coroutine to drive."""
        asynchronous = entry.signature.function.asynchronous
        return self._fenced(entry, arguments) if asynchronous else entry.code(*arguments)

    def _fenced(self, entry: Entry, arguments: list[Any]) -> Generator[Wait | None, None, Any]:
        """An asynchronous function: it gets its two fences here, and ends with the second."""
        done = self.device.create_fence()
        result: Any = entry.code(*arguments, None, done)
        if self._yields(entry.ordinal):
            waiting: Coroutine = result
            result = yield from waiting
        wait = Wait((done,), None)
        while wait.result() is wait:
            yield wait
        return result


def explained(error: Exception) -> Exception:
    """What an error of generated code means; errors of this package pass through."""
    if isinstance(error, RecursionError):
        return VMError("the program's calls nest too deep", status=_RESOURCE_EXHAUSTED)
    if not isinstance(error, AttributeError):
        return error
    if error.obj is None:
        return VMError("an instruction used a null reference", status=3)
    return ProgramError(str(error)) if isinstance(error.obj, VMBuffer) else error
