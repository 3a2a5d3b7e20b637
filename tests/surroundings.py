"""What a process inherits must not change a test: the user's environment, and signals that whoever started the suite ignores.

Imported before everything that reads either. A suite in the background (`nohup make test &`) behaves like one at a terminal: processes
hand SIGINT's disposition on to those that they start, and a script's background jobs ignore it. SIGHUP stays ignored: `nohup` wants that.
"""

import os
import signal

KEPT = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "TZ", "XDG_CACHE_HOME", "KERAS_HOME", "PYTHONDONTWRITEBYTECODE"}
PREFIXES = ("LC_", "LD_", "DYLD_", "OBJC_", "CUDA_", "NVIDIA_", "PYTEST_", "TRIALBOOK_")  # the machine's, and those of the suite itself
SET = {
    "KERAS_BACKEND": "tensorflow",  # else ~/.keras/keras.json decides
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),  # tests run side by side; threads that spin take twice the time
}
DEFAULTS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGCHLD: signal.SIG_DFL}


def settle() -> None:
    """Gives this process, and those that it starts, the surroundings of a shell that nobody has configured."""
    for name in [name for name in os.environ if name not in KEPT and not name.startswith(PREFIXES)]:
        del os.environ[name]
    os.environ |= SET
    for number, default in DEFAULTS.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, default)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


settle()
