"""Unit tests reach no network: a socket to anywhere is an error."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Sockets off but for the pairs within this process that event loops use."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
