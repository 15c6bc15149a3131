"""How laws are tried, and which signals tests can rely on.

No example is judged by its time, as the machine may be busy with other things. The examples are the same
each time, so that a change is judged by what it changes. To look for others:
``HYPOTHESIS_PROFILE=search make test``.
"""

from __future__ import annotations

import os
import signal

from hypothesis import settings

settings.register_profile("akmon", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "akmon"))

# A shell ignores these for what it runs in the background, nohup the last, and every program that the tests
# start would inherit that.
for _number, _handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGQUIT, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)
