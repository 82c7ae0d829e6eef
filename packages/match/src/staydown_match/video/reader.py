"""One video file opened with all that FFmpeg may do narrowed down, giving its frames one by one."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

import av
import av.audio.codeccontext
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV imports these when it first opens a file, which a worker then no longer can
from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from staydown_match.limits import Limits
from staydown_match.video.clock import Clock
from staydown_match.video.containers import AVI, CODECS, Container
from staydown_match.video.encryption import is_encrypted, is_packet_encrypted, is_stream_encrypted
from staydown_match.video.problems import ProblemList
from staydown_match.video.source import DeadlineError, VideoSource, refuse_to_open
from staydown_match.video.streams import choose_stream

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

BUFFER_BYTES = 1 << 18
MAX_STREAMS = 64
KEYFRAME_STEP_S = 0.5
"""Keyframes nearer to the last one than this are passed over when only keyframes are wanted."""

LEAST_SHARE_OF_FRAMES = 0.95
"""An AVI with fewer of the frames that its header counts has a hole; its demuxer passes over that in silence."""

MAX_ERRORS_IN_A_ROW = 8
"""So often reading goes on at a place where the demuxer gives up."""

_ENCRYPTED = "the video in the {} file is encrypted"


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A decoded frame; when it is shown, in seconds from the video's beginning; and until when."""

    at_s: float
    end_s: float
    frame: VideoFrame


Wanted: TypeAlias = Callable[[bool, float], bool]
"""Asked for each packet whether to decode it: whether it is a keyframe, and the time of the last keyframe so far."""


def every_frame(_is_keyframe: bool, _group_at_s: float) -> bool:  # noqa: FBT001 - the shape of Wanted
    """Decode all."""
    return True


class Keyframes:
    """Decode only frames that need no other, and of a video that is made of nothing else one in KEYFRAME_STEP_S."""

    def __init__(self) -> None:
        self._last_at_s = -KEYFRAME_STEP_S

    def __call__(self, is_keyframe: bool, group_at_s: float) -> bool:  # noqa: FBT001 - the shape of Wanted
        """Answer as Wanted is asked."""
        if not is_keyframe or group_at_s - self._last_at_s < KEYFRAME_STEP_S:
            return False
        self._last_at_s = group_at_s
        return True


class VideoReader:
    """Reads the video stream of an open file. What goes wrong is noted in `problems`, not raised.

    It starts no thread, so that what it gives depends on the file alone. One thread at a time may use it.
    """

    def __init__(
        self, file: BinaryIO, container: Container, *, limits: Limits, problems: ProblemList, deadline_s: float
    ) -> None:
        """Take a file that can seek; reading stops when `time.monotonic()` is at `deadline_s`."""
        self._file = file
        self._container = container
        self._limits = limits
        self._problems = problems
        self._deadline_s = deadline_s
        self._is_encrypted = is_encrypted(file, container)
        self._frames_read = 0
        self._packets_read = 0
        self.has_video: bool | None = None
        """None when that could not be found out."""
        self.header_duration_s: float | None = None
        self.end_s = 0.0
        """When the last frame ends, of those decoded and those passed over."""

    def frames(self, wanted: Wanted) -> Iterator[TimedFrame]:
        """Decode from the beginning what is `wanted`, in the order in which it is shown. May be called again."""
        try:
            with closing(self._open()) as opened:
                stream = choose_stream(opened, self._problems)
                self.has_video = stream is not None
                if stream is not None and self._may_decode(stream):
                    yield from self._frames_of(opened, stream, wanted)
        except Exception as error:  # noqa: BLE001 - hostile bytes make FFmpeg and PyAV raise nearly every type there is
            self._problems.note_error(error)

    def _open(self) -> InputContainer:
        self._file.seek(0)
        return av.open(
            VideoSource(self._file, deadline_s=self._deadline_s),
            "r",
            format=self._container.demuxer,
            options={"max_pixels": str(self._limits.max_pixels), "threads": "1"},
            container_options={
                "protocol_whitelist": "none",  # no protocol has that name
                "codec_whitelist": ",".join(sorted(CODECS)),
                "max_streams": str(MAX_STREAMS),
            },
            metadata_errors="replace",
            buffer_size=BUFFER_BYTES,
            io_open=refuse_to_open,
        )

    def _may_decode(self, stream: VideoStream) -> bool:
        if self._is_encrypted or is_stream_encrypted(stream):
            self._problems.note("unsupported", _ENCRYPTED)
            return False
        codec = cast("VideoCodecContext | None", stream.codec_context)  # its stubs do not say that it can be None
        if codec is None or codec.name not in CODECS:
            self._problems.note("unsupported", "the video in the {} file is of a codec that is not decoded here")
            return False
        if codec.width * codec.height > self._limits.max_pixels:
            self._problems.note(
                "limit",
                f"the frames of the {{}} video have {codec.width} x {codec.height} pixels; "
                f"at most {self._limits.max_pixels} are decoded",
            )
            return False
        return True

    def _frames_of(self, opened: InputContainer, stream: VideoStream, wanted: Wanted) -> Iterator[TimedFrame]:
        clock, tick_s = _clock_of(stream), _tick_s(stream)
        if stream.duration:
            self.header_duration_s = stream.duration * tick_s
        self._set_up(stream.codec_context, wanted)
        for packet in self._packets_of(opened, stream, wanted):
            for frame in self._decoded(stream, packet):
                at_s = clock.at_s(None if frame.pts is None else frame.pts * tick_s)
                timed = TimedFrame(at_s, at_s + (frame.duration * tick_s or clock.frame_s), frame)
                self.end_s = max(self.end_s, timed.end_s)
                self._frames_read += 1
                yield timed
                if self._is_over():
                    return

    def _set_up(self, codec: "VideoCodecContext", wanted: Wanted) -> None:
        """Leave out the smoothing of blocks in frames that no other is made from: a tenth faster, 0.01 bits off."""
        only_keyframes = isinstance(wanted, Keyframes)
        codec.thread_count = 1
        codec.skip_frame = "NONKEY" if only_keyframes else "DEFAULT"
        unsmoothed = "all" if only_keyframes else "noref"
        codec.options = {"max_pixels": str(self._limits.max_pixels), "skip_loop_filter": unsmoothed}

    def _is_over(self) -> bool:
        if self._frames_read >= self._limits.max_frames:
            self._problems.note("limit", f"only the first {self._limits.max_frames} frames of the {{}} video were read")
            return True
        return False

    def _packets_of(
        self, opened: InputContainer, stream: VideoStream, wanted: Wanted
    ) -> Iterator["Packet[VideoStream] | None"]:
        """Give the wanted packets, and None where the decoder is to let go of the frames it still holds."""
        self._packets_read = 0
        group_clock, tick_s = _clock_of(stream), _tick_s(stream)
        first_s = (stream.start_time or 0) * tick_s
        group_at_s = 0.0
        was_wanted = True
        for packet in self._demuxed(opened, stream):
            stamp = packet.dts if packet.pts is None else packet.pts
            stamp_s = None if stamp is None else stamp * tick_s
            if stamp_s is not None:
                self.end_s = max(self.end_s, stamp_s + (packet.duration or 0) * tick_s - first_s)
            if is_packet_encrypted(packet):
                self._problems.note("unsupported", _ENCRYPTED)
                return
            if packet.is_corrupt:
                self._problems.note_code("damaged")
            is_keyframe = packet.is_keyframe
            if is_keyframe:
                group_at_s = group_clock.at_s(stamp_s)
            is_wanted = wanted(is_keyframe, group_at_s)
            if is_wanted:
                if not was_wanted:
                    stream.codec_context.flush_buffers()
                yield packet
            elif was_wanted:
                yield None
            was_wanted = is_wanted
        if self._container is AVI and self._packets_read < LEAST_SHARE_OF_FRAMES * stream.frames:
            self._problems.note_code("damaged")
        yield None

    def _demuxed(self, opened: InputContainer, stream: VideoStream) -> Iterator["Packet[VideoStream]"]:
        errors = 0
        while errors < MAX_ERRORS_IN_A_ROW:
            try:
                for packet in opened.demux(stream):
                    if time.monotonic() > self._deadline_s:
                        self._problems.note_error(DeadlineError())
                        return
                    errors = 0
                    self._packets_read += 1
                    if packet.size:
                        yield packet
            except (DeadlineError, MemoryError) as error:
                self._problems.note_error(error)
                return
            except Exception as error:  # noqa: BLE001 - as in frames
                self._problems.note_error(error)
                errors += 1
            else:
                return

    def _decoded(self, stream: VideoStream, packet: "Packet[VideoStream] | None") -> list[VideoFrame]:
        try:
            return stream.codec_context.decode(packet)
        except EOFError:
            return []
        except Exception as error:  # noqa: BLE001 - as in frames
            self._problems.note_error(error)
            return []


def _clock_of(stream: VideoStream) -> Clock:
    rate = stream.average_rate or stream.guessed_rate
    start_s = None if stream.start_time is None else stream.start_time * _tick_s(stream)
    return Clock(start_s=start_s, frame_s=float(1 / rate) if rate else None)


def _tick_s(stream: VideoStream) -> float:
    return float(stream.time_base) if stream.time_base else 0.0
