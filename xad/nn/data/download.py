"""Get a file from the network, with a progress bar."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request

from xad.nn.errors import DataError
from xad.nn.progress import bar

__all__ = ["download_bytes"]

_CHUNK = 1 << 16
_TIMEOUT = 30.0


def download_bytes(url: str) -> bytes:
    """The content at an address. DataError if it cannot be had as a whole."""
    if not url.startswith(("https://", "http://")):
        raise DataError(f"expected an address with http:// or https://, got {url}")
    content = bytearray()
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:
            total = int(response.headers.get("Content-Length") or 0)
            with bar(total, url.rpartition("/")[2]) as advance:
                while chunk := response.read(_CHUNK):
                    content += chunk
                    advance(len(chunk))
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise DataError(
            f"{url} cannot be downloaded: {error}; try again, or get the files another way and "
            "pass their directory"
        ) from error
    if total and len(content) != total:
        raise DataError(f"{url}: expected {total} bytes, got {len(content)}; try again")
    return bytes(content)
