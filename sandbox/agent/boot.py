"""Starts the agent: ``python -s -S -P -X utf8 boot.py``, with its settings as JSON in PRORL_SANDBOX_AGENT.

Inside a container there are arguments, "keep" or "serve" and the path of a socket: see `sandbox.agent.server`.

The `sandbox` package itself is replaced by an empty one, so that the zygote loads nothing but the agent.
"""

import os
import sys


def _boot() -> None:
    package = type(sys)("sandbox")
    package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    sys.modules["sandbox"] = package
    if len(sys.argv) > 1:
        from sandbox.agent import server

        {"keep": server.keep, "serve": server.serve}[sys.argv[1]](sys.argv[2])
        return
    from sandbox.agent.zygote import main

    main()


if __name__ == "__main__":
    _boot()
