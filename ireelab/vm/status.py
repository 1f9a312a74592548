"""IREE's status codes, and the error of a program that fails by itself."""

from __future__ import annotations

from ireelab.errors import VMError

NAMES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"),
    *("ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"),
    *("ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"),
    *("UNAUTHENTICATED", "DEFERRED", "INCOMPATIBLE"),
)
INCOMPATIBLE = NAMES.index("INCOMPATIBLE")


def name_of(status: int) -> str:
    return NAMES[status] if 0 <= status < len(NAMES) else f"status {status}"


def failure(status: int, message: str, location: str) -> VMError:
    """The error of ``vm.fail``: IREE's status, the program's message, the source position."""
    place = f" (at {location})" if location else ""
    return VMError(f"{name_of(status)}: {message}{place}", status=status)
