"""The HTTP side of a service: health, its cases and work list, and the webhooks of providers."""

from shared.http.app import create_app

__all__ = ["create_app"]
