"""Compiled pipelines kept on disk, one file a device and driver; only speed depends on it."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any

from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.vulkan_ffi import Structs

LIMIT_BYTES = 256 << 20


def default_folder() -> Path:
    """``$XDG_CACHE_HOME/ireelab/vulkan``, by default under ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ireelab" / "vulkan"


class PipelineCache:
    """A ``VkPipelineCache`` read from ``folder`` and written back by ``close``; None: no file."""

    def __init__(self, core: Core, folder: Path | None) -> None:
        self._core = core
        physical = core.physical
        driver = re.sub(r"[^A-Za-z0-9.]+", "-", f"{physical.driver_name}-{physical.driver_info}")
        self._path = None if folder is None else folder / f"{physical.uuid}-{driver}.bin"
        self._read = b""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._read = self._path.read_bytes()
        vulkan = core.vulkan
        structs = Structs(vulkan)
        # The driver checks the header and starts anew where the data are not its own.
        info = structs.new("VkPipelineCacheCreateInfo", initialDataSize=len(self._read))
        if self._read:
            info.pInitialData = structs.bytes(self._read)
        self.handle: Any = vulkan.create(
            "vkCreatePipelineCache", "VkPipelineCache", core.handle, info
        )

    def close(self) -> None:
        """Write the file where pipelines were added, and destroy; idempotent."""
        if self.handle is None:
            return
        if self._path is not None:
            self._save(self._path)
        handle, self.handle = self.handle, None
        vulkan = self._core.vulkan
        vulkan.lib.vkDestroyPipelineCache(self._core.handle, handle, vulkan.null)

    def _save(self, path: Path) -> None:
        data = self._data()
        if len(data) <= len(self._read) or len(data) > LIMIT_BYTES:
            return
        # Written aside and renamed: another process may read it now. No cache is no error.
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}")
            partial.write_bytes(data)
            partial.replace(path)

    def _data(self) -> bytes:
        vulkan = self._core.vulkan
        size = vulkan.ffi.new("size_t *")
        if vulkan.lib.vkGetPipelineCacheData(self._core.handle, self.handle, size, vulkan.null):
            return b""
        data = vulkan.ffi.new("unsigned char[]", size[0])
        if vulkan.lib.vkGetPipelineCacheData(self._core.handle, self.handle, size, data):
            return b""
        return vulkan.array_bytes(data)[: size[0]]
