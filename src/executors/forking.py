"""New processes of this machine, forked from a process that has imported the modules that they need."""

import multiprocessing
import signal
from multiprocessing import forkserver, resource_tracker

context = multiprocessing.get_context("forkserver")  # TensorFlow survives a fork as long as it has only been imported
# Imports of the driver's main module, which every new process repeats first. That module itself would run a second time, with a warning.
DRIVER = ("src.config.command_line", "src.running.run")


def start(preload: list[str]) -> None:
    """Starts the process from which others are forked; it imports these modules once, while this process does other work."""
    context.set_forkserver_preload(preload)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    resource_tracker.ensure_running()  # its start unblocks Ctrl-C
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # new processes inherit both blocks: only the driver handles these signals
    forkserver.ensure_running()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGHUP})
