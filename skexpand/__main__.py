"""``python -m skexpand`` is the ``skexpand`` command."""

from skexpand._cli import main

if __name__ == "__main__":
    raise SystemExit(main())
