"""Which of a file's streams is its video, and what is said of the others."""

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from staydown_match.video.problems import ProblemList

_PICTURE_DISPOSITIONS = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails


def choose_stream(opened: InputContainer, problems: ProblemList) -> VideoStream | None:
    """Choose the video stream to read: the one marked as default, else the first; None when there is none.

    Pictures that come with a video or a song (covers, attachments) are no video. Each stream that has something to see
    and is not read is a problem.
    """
    seen = list(opened.streams.video)
    videos = [stream for stream in seen if not _is_picture(stream)]
    if len(videos) < len(seen) or opened.streams.attachments:
        problems.note("unsupported", "pictures or files attached to the {} file were not read")
    if not videos:
        return None
    chosen = next((stream for stream in videos if stream.disposition & Disposition.default), videos[0])
    if len(videos) > 1:
        number = videos.index(chosen) + 1
        problems.note("limit", f"of the {len(videos)} video streams of the {{}} file only number {number} was read")
    return chosen


def _is_picture(stream: VideoStream) -> bool:
    return bool(stream.disposition & _PICTURE_DISPOSITIONS)
