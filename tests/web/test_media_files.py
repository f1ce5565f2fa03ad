"""The files that stand for songs, pictures and videos: small, real, and decoded to their end."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest

import mockserver.web.media
from mockserver.web.media.files import asset_for, tag_of

FOLDER = Path(mockserver.web.media.__file__).with_name("assets")
SIZES = {
    "avatar.webp": (64, 64),
    "cover.jpeg": (96, 96),
    "cover-large.jpeg": (512, 512),
    "video.mp4": (160, 120),
}
ROLES = {
    "audio.mp3": ("song.mp3", "audio/mpeg"),
    "stream.mp3": ("song.mp3", "audio/mpeg"),
    "source.mp3": ("song.mp3", "audio/mpeg"),
    "source-stream.mp3": ("song.mp3", "audio/mpeg"),
    "vocals.mp3": ("song.mp3", "audio/mpeg"),
    "instrumental.mp3": ("song.mp3", "audio/mpeg"),
    "cover.jpeg": ("cover.jpeg", "image/jpeg"),
    "source.jpeg": ("cover.jpeg", "image/jpeg"),
    "large.jpeg": ("cover.jpeg", "image/jpeg"),
    "cover-large.jpeg": ("cover-large.jpeg", "image/jpeg"),
    "avatar.webp": ("avatar.webp", "image/webp"),
    "video.mp4": ("video.mp4", "video/mp4"),
}


def frames(name: str, kind: str) -> list[av.AudioFrame | av.VideoFrame]:
    """Every frame of a kind; what is cut off or damaged raises."""
    content = io.BytesIO((FOLDER / name).read_bytes())
    with av.open(content, "r", options={"err_detect": "explode"}) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return [
            frame for frame in container.decode(streams) if isinstance(frame, av.AudioFrame | av.VideoFrame)
        ]


def test_every_file_has_a_role_and_every_role_a_file() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {name for name, _ in ROLES.values()}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_stood_for_by_the_file_of_its_extension(role: str) -> None:
    asset = asset_for(role)

    assert asset is not None
    assert (asset.name, asset.content_type) == ROLES[role]
    assert asset.content == (FOLDER / asset.name).read_bytes()


@pytest.mark.parametrize("role", ["", "mp3", ".mp3", "song.MP3", "song.wav", "song.mp3.exe"])
def test_any_other_name_is_stood_for_by_nothing(role: str) -> None:
    assert asset_for(role) is None


def test_files_that_differ_have_tags_that_differ() -> None:
    tags = {asset.etag for role in ROLES if (asset := asset_for(role))}

    assert len(tags) == 5
    assert all(tag[0] == tag[-1] == '"' for tag in tags)
    assert tag_of(b"one") != tag_of(b"two")


def test_all_of_them_together_are_small() -> None:
    sizes = {file.name: file.stat().st_size for file in FOLDER.iterdir()}

    assert sum(sizes.values()) < 50_000, sizes


@pytest.mark.parametrize("name", SIZES)
def test_a_picture_or_video_decodes_to_its_end(name: str) -> None:
    shown = [frame for frame in frames(name, "video") if isinstance(frame, av.VideoFrame)]

    assert {(frame.width, frame.height) for frame in shown} == {SIZES[name]}
    assert len(shown) == (24 if name == "video.mp4" else 1)


@pytest.mark.parametrize("name", ["cover.jpeg", "cover-large.jpeg"])
def test_a_picture_is_whole(name: str) -> None:
    content = (FOLDER / name).read_bytes()

    # A decoder makes up for rows that are missing: the markers of start and end say that none are.
    assert (content[:2], content[-2:]) == (b"\xff\xd8", b"\xff\xd9")


@pytest.mark.parametrize("name", ["song.mp3", "video.mp4"])
def test_a_song_decodes_to_its_end_and_is_heard(name: str) -> None:
    heard = [frame for frame in frames(name, "audio") if isinstance(frame, av.AudioFrame)]

    seconds = sum(frame.samples / frame.sample_rate for frame in heard)
    loudness = [max(map(abs, memoryview(bytes(frame.planes[0])).cast("f"))) for frame in heard]
    assert seconds == pytest.approx(2, abs=0.03)
    # A tone that is there, and has faded at the end.
    assert max(loudness) > 0.3
    assert loudness[-1] < 0.01


@pytest.mark.parametrize("name", ["song.mp3", "video.mp4"])
def test_a_song_says_how_long_it_is(name: str) -> None:
    with av.open(str(FOLDER / name), "r") as container:
        assert container.duration == 2 * av.time_base


def test_a_video_can_be_played_before_it_is_whole() -> None:
    content = (FOLDER / "video.mp4").read_bytes()

    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_a_video_is_of_a_kind_that_browsers_play() -> None:
    with av.open(str(FOLDER / "video.mp4"), "r") as container:
        video, audio = container.streams

        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
