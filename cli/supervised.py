"""The first lines of a supervised role: it ends when its supervisor does, however that one ends."""

import os
import runpy
import signal
import sys
import threading
import time

_PATIENCE = 20.0


def _follow(lifeline: int) -> None:
    """Nothing is ever written to this pipe; reading returns when its other end, the supervisor, is gone."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os._exit(1)


def main(lifeline: str, module: str, *arguments: str) -> None:
    """Run a module as `python -m` does, tied to the lifeline."""
    threading.Thread(target=_follow, args=(int(lifeline),), name="lifeline", daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
