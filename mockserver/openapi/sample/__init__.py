"""A value made from a schema: search tries, shape says what has to fit, the others make the parts."""

from mockserver.openapi.sample.search import Unsatisfiable, generate

__all__ = ["Unsatisfiable", "generate"]
