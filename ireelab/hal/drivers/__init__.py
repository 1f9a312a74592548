"""HAL drivers; :mod:`ireelab.hal.registry` imports each only when it is opened."""
