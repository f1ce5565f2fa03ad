"""What fake answers point at, under /_mock/media/: small real files, and the bytes that clients upload."""

from mockserver.web.media.answer import answer
from mockserver.web.media.place import is_media

__all__ = ["answer", "is_media"]
