"""`python -m ops` is `ops`."""

from ops.cli import main

raise SystemExit(main())
