"""Reads a layer's zip with another program than the one that wrote it: ZIP MODE:PATH ...

It must hold just these files, in this order, whole, with these modes, in a form that Lambda unpacks. Prints what is wrong.
"""

import sys
import zipfile

UNIX = 3
REGULAR = 0o100000
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

path, *wanted = sys.argv[1:]
with zipfile.ZipFile(path) as archive:
    entries = archive.infolist()
    damaged = archive.testzip()
found = [f"{entry.external_attr >> 16:o}:{entry.filename}" for entry in entries]
wanted = [f"{REGULAR | int(mode, 8):o}:{name}" for mode, name in (it.split(":", 1) for it in wanted)]
problems = []
if damaged:
    problems.append(f"{damaged} is damaged")
if found != wanted:
    problems.append(f"it holds {found}, not {wanted}")
for entry in entries:
    if entry.create_system != UNIX:
        problems.append(f"{entry.filename} has no mode of Unix, so Lambda could not start it")
    if entry.compress_type not in PLAIN or entry.flag_bits & 1:
        problems.append(f"{entry.filename} is packed or encrypted in a way that Lambda does not read")
print("\n".join(problems))
sys.exit(1 if problems else 0)
