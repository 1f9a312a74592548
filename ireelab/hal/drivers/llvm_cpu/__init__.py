"""This machine's CPU: executables through LLVM or dlopen, command buffers in native code."""
