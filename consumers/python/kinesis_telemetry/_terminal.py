"""Text that others have written, made safe to print: terminals take control characters for commands."""


def json(document: str) -> str:
    """Returns a line of JSON with `\\u` escapes for characters that are not printable. It stays the same document."""
    return document if document.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in document)


def plain(value: str) -> str:
    """Returns a value as one line, with U+FFFD for characters that are not printable."""
    return "".join(c if c.isprintable() else "\ufffd" for c in value)


def _escaped(character: str) -> str:
    # JSON has these between tokens only: inside of strings it escapes them.
    if character in "\t\r\n":
        return " "
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
