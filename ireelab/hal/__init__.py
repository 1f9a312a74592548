"""The hardware abstraction layer: devices, buffers, fences, command buffers, timelines."""
