"""``python -m ireelab`` is the ``ireelab`` command."""

from ireelab.cli import main

raise SystemExit(main())
