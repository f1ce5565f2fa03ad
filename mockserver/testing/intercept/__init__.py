"""Calls to documented hosts go to the mock, without a base URL change, and no other call goes out."""

from mockserver.testing.intercept.block import Interceptor
from mockserver.testing.intercept.reach import RealCall

__all__ = ["Interceptor", "RealCall"]
