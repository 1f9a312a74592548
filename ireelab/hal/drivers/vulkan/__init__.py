"""GPUs through Vulkan: IREE's SPIR-V executables, prerecorded command buffers, one timeline."""
