"""What could not be read of one video: each thing said once, in the words that a Problem uses."""

from av.error import DecoderNotFoundError, FFmpegError, PatchWelcomeError

from staydown_match.types import Problem, ProblemCode
from staydown_match.video.source import DeadlineError, NestedFileError


class ProblemList:
    """Collects problems; `{}` in a detail becomes the container's name."""

    def __init__(self, container_name: str) -> None:
        self._container_name = container_name
        self._problems: list[Problem] = []

    def note(self, code: ProblemCode, detail: str) -> None:
        """Add a problem unless the same is there already."""
        problem = Problem(code=code, detail=detail.format(self._container_name))
        if problem not in self._problems:
            self._problems.append(problem)

    def note_error(self, error: Exception) -> None:
        """Add what an exception of the decoder or the demuxer means. Never its own message: it can quote the file."""
        self.note_code(_code_of(error))

    def note_code(self, code: ProblemCode) -> None:
        """Add what the code means for a video as a whole."""
        self.note(code, _DETAILS[code])

    def as_tuple(self) -> tuple[Problem, ...]:
        """Give them in the order in which they were noted."""
        return tuple(self._problems)

    def has(self, code: ProblemCode) -> bool:
        """Say whether a problem of this kind was noted."""
        return any(problem.code == code for problem in self._problems)

    def __bool__(self) -> bool:
        return bool(self._problems)


_DETAILS: dict[ProblemCode, str] = {
    "damaged": "parts of the {} data contradict its format",
    "truncated": "the {} data ends too early",
    "limit": "the {} video was not read to its end: the time or the memory for one file was used up",
    "unsupported": "the {} file uses a feature that is not decoded here",
}


def _code_of(error: Exception) -> ProblemCode:
    if isinstance(error, DeadlineError | MemoryError):
        return "limit"
    if isinstance(error, DecoderNotFoundError | PatchWelcomeError | NestedFileError):
        return "unsupported"
    if isinstance(error, FFmpegError) and isinstance(error, OSError) and error.errno == _OUT_OF_MEMORY:
        return "limit"
    return "damaged"


_OUT_OF_MEMORY = 12
