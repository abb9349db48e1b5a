"""The client that tests call the application with."""

from fastapi import FastAPI as App
from fastapi.testclient import TestClient
from httpx2 import Response

__all__ = ["App", "Response", "client_of"]


def client_of(app: App) -> TestClient:
    """Calls the application without a network; what crashes in it becomes an answer."""
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)
