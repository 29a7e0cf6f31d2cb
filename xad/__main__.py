"""``python -m xad``: report what xad finds on this machine."""

from __future__ import annotations

from xad.backend import show_config

if __name__ == "__main__":
    show_config()
