"""The client that tests call the application with."""

from httpx import Response
from litestar.testing import TestClient

from app.main import Application as App

__all__ = ["App", "Response", "client_of"]


def client_of(app: App) -> TestClient[App]:
    """Calls the application without a network; what crashes in it becomes an answer."""
    client = TestClient(app, raise_server_exceptions=False)
    client.follow_redirects = False
    return client
