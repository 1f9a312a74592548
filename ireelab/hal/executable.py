"""Loaded executables. Mirrors ``runtime/src/iree/hal/executable.h``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ireelab.errors import ExecutableMismatch

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, slots=True)
class ExecutableFunction:
    """One entry point of an executable, as its own reflection declares it.

    ``source_locations`` are ``file:line`` strings, empty where the compiler kept none;
    ``constant_count`` counts 32-bit values.
    """

    name: str
    binding_count: int
    constant_count: int
    workgroup_size: tuple[int, int, int] = (1, 1, 1)
    local_memory_bytes: int = 0
    source_locations: tuple[str, ...] = ()


class Executable(ABC):
    """Kernels that one device can run.

    Closing it never breaks command buffers that already use it: they keep the code loaded.
    """

    name: str
    format: str
    functions: tuple[ExecutableFunction, ...]

    def lookup(self, name: str) -> int:
        """The ordinal of an entry point; ExecutableMismatch if there is none of that name."""
        for ordinal, function in enumerate(self.functions):
            if function.name == name:
                return ordinal
        names = ", ".join(function.name for function in self.functions) or "none"
        raise ExecutableMismatch(
            f"executable {self.name!r} has no entry point {name!r}; it has: {names}"
        )

    @abstractmethod
    def close(self) -> None:
        """Let go of the code; idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
