"""The driver that runs nothing."""
