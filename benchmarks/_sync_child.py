"""What is measured, each in a process of its own: `sync FOLDER`, or `look FOLDER SHA256` to the first verdict."""

from __future__ import annotations

import json
import resource
import sys
import time

from staydown_client.filter import Filter


def main() -> None:
    how, folder = sys.argv[1:3]
    opened = Filter.open(folder)
    if how == "sync":
        opened.sync()
        action = ""
    else:
        digest = bytes.fromhex(sys.argv[3])
        action = opened.look_up([("sha256", digest)]).exact[0].action
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"done_at": time.time(), "peak_bytes": peak_bytes, "action": action}), flush=True)
    opened.close()


if __name__ == "__main__":
    main()
