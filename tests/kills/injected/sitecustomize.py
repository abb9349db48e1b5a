"""Python runs this at its start, because this folder is on PYTHONPATH of the killed services."""

import sys

if {"worker", "proxy"} & set(sys.orig_argv[3:4]):
    import failpoints

    failpoints.install()
