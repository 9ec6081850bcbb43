# SPDX-License-Identifier: GPL-2.0-only
"""What the objects of a build of the module define, and what they want."""
import os
import subprocess
import sys

import source


def read(directory):
    """{source file: (names that are defined globally, names that are wanted)}."""
    found = {}
    for path in source.module_files("c"):
        file = os.path.join(directory, path[:-1] + "o")
        if not os.path.exists(file):
            sys.exit(f"{file} is missing: has the module been built?")
        found[path] = read_one(file)
    if not found:
        sys.exit("there are no sources here")
    return found


def read_one(file):
    defined, wanted = set(), set()
    listing = subprocess.run(["nm", "-P", file], check=True, text=True,
                             capture_output=True).stdout
    for line in listing.splitlines():
        name, kind = line.split()[:2]
        if kind in "Uwv":
            wanted.add(name)
        elif kind.isupper():
            defined.add(name.removeprefix("__pfx_").removeprefix("__cfi_"))
    return defined, wanted
