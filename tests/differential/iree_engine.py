"""IREE's own runtime, with its ``check`` module rebuilt: pip has no iree-check-module."""

from __future__ import annotations

from typing import Any

import iree.runtime as rt
import numpy as np
from iree.runtime import _binding
from numpy.typing import NDArray

Array = NDArray[Any]

# It reports objects that Python had not collected when the process ended.
_binding.disable_leak_checker()

_CHECKS = {
    "expect_true": "0i_v",
    "expect_false": "0i_v",
    "expect_all_true": "0rr_v",
    "expect_eq": "0rrr_v",
    "expect_almost_eq": "0rrrff_v",
}


class Engine:
    """A module loaded by IREE's runtime; ``failures`` collects expectations that did not hold."""

    def __init__(self, vmfb: bytes, device: str = "local-sync") -> None:
        self.config = rt.Config(device)
        self.failures: list[str] = []
        instance = self.config.vm_instance
        self.module = rt.VmModule.copy_buffer(instance, vmfb)
        hal = rt.create_hal_module(instance, self.config.device)
        self.context = rt.VmContext(instance, [hal, self._check_module(), self.module])

    def invoke(self, function: str, *arrays: Array) -> tuple[Array, ...]:
        invoker = rt.FunctionInvoker(
            self.context, self.config.device, self.module.lookup_function(function)
        )
        results = invoker(*arrays)
        if results is None:
            return ()
        return tuple(np.asarray(r) for r in (results if isinstance(results, tuple) else (results,)))

    def functions(self) -> list[str]:
        """The exported functions; torch's ``$async`` forms, which take fences, are left out."""
        names = self.module.function_names
        return [name for name in names if not name.startswith("__") and "$async" not in name]

    def _check_module(self) -> rt.VmModule:
        engine = self

        class Checks:
            def __init__(self, interface: object) -> None: ...

            def expect_true(self, value: int) -> None:
                engine.expect(value != 0, f"{value} is not true")

            def expect_false(self, value: int) -> None:
                engine.expect(value == 0, f"{value} is not false")

            def expect_all_true(self, _device: object, view: rt.VmRef) -> None:
                values = engine.array(view)
                engine.expect(bool(values.all()), f"{values} are not all true")

            def expect_eq(self, _device: object, left: rt.VmRef, right: rt.VmRef) -> None:
                a, b = engine.array(left), engine.array(right)
                same = (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
                engine.expect(same, f"{a} is not {b}")

            def expect_almost_eq(
                self, _device: object, left: rt.VmRef, right: rt.VmRef, atol: float, rtol: float
            ) -> None:
                a, b = (engine.array(v).astype(np.float64) for v in (left, right))
                engine.expect(np.allclose(a, b, rtol=rtol, atol=atol), f"{a} is not near {b}")

        interface = rt.PyModuleInterface("check", Checks)
        for name, convention in _CHECKS.items():
            interface.export(name, convention, getattr(Checks, name))
        return interface.create()

    def array(self, view: rt.VmRef) -> Array:
        """The elements of a buffer view."""
        buffer_view = view.deref(rt.HalBufferView)
        return np.array(rt.DeviceArray(self.config.device, buffer_view).to_host())

    def expect(self, holds: bool, message: str) -> None:
        if not holds:
            self.failures.append(message)
