"""Makes the zips that a stage consists of out of programs that are there already, without building what ships.

    python3 zips.py FOLDER EXTENSION FUNCTION LAYER_ZIP… -- FUNCTION_ZIP…

The programs of this machine go into the zips of every architecture: an emulator looks at none.
"""

import os
import sys
import zipfile


def write(path, name, program):
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o755 << 16
    entry.create_system = 3
    with zipfile.ZipFile(path, "w") as target, open(program, "rb") as data:
        target.writestr(entry, data.read(), zipfile.ZIP_DEFLATED, 1)


def main(folder, extension, function, *names):
    end = names.index("--")
    for name in names[:end]:
        write(os.path.join(folder, name), f"extensions/{os.path.basename(extension)}", extension)
    for name in names[end + 1 :]:
        write(os.path.join(folder, name), "bootstrap", function)


main(*sys.argv[1:])
