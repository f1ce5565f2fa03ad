"""The control API under /_mock/: one module per noun, described by openapi.yaml beside them."""

from mockserver.web.control.dispatch import Control

__all__ = ["Control"]
