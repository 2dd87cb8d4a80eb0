#!/usr/bin/python3
"""Makes words.c (the word table and its hash index) and checks words.h, from words.list."""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
SLOTS = 4096
MASK = (1 << 64) - 1
FOLD = 0x2020202020202020

EFFECTS = {
    "-": "NO_FUNCTION", "pure": "PURE", "impure": "IMPURE", "state": "STATE",
    "sequence": "SEQUENCE", "last-insert-id": "LAST_INSERT_ID", "found-rows": "FOUND_ROWS",
    "row-count": "ROW_COUNT", "connection-id": "CONNECTION_ID", "get-lock": "GET_LOCK",
    "release-lock": "RELEASE_LOCK", "release-all-locks": "RELEASE_ALL_LOCKS",
}
FLAGS = {"r": 1, "p": 2, "a": 4}


def eight(part):
    return int.from_bytes(part.encode().ljust(8, b"\0"), "little")


def fold(name):
    """The same two numbers that word_find makes of a name: folded, zero beyond its end."""
    size = len(name)
    mask = MASK if size >= 8 else (1 << (8 * size)) - 1
    head = (eight(name[:8]) | FOLD) & mask
    tail = (eight(name[-8:]) | FOLD) & mask if size >= 8 else head
    return head, tail


def slot(head, tail):
    mixed = head * 0x9E3779B97F4A7C15 + tail * 0xC2B2AE3D27D4EB4F
    return ((mixed & MASK) >> 52) % SLOTS


def version(text):
    if text == "-":
        return "0, 0"
    since, _, until = text.partition("-")
    return f"{since}, {until or 'FOR_EVER'}"


def main():
    rows = []
    with open(os.path.join(HERE, "words.list"), encoding="ascii") as source:
        for line in source:
            if line.strip() and not line.startswith("#"):
                rows.append(line.split())
    rows.sort()
    index = [0] * SLOTS
    seen = set()
    text = []
    for number, (name, flags, effect, mysql, mariadb) in enumerate(rows, 1):
        head, tail = fold(name)
        if (head, tail, len(name)) in seen:
            raise SystemExit(f"{name} differs from another word only in its middle")
        seen.add((head, tail, len(name)))
        at = slot(head, tail)
        while index[at]:
            at = (at + 1) % SLOTS
        index[at] = number
        keyword = "KEYWORD_" + (name.upper() if "k" in flags else "NONE")
        bits = sum(bit for flag, bit in FLAGS.items() if flag in flags)
        text.append(
            f'    {{"{name}", 0x{head:016x}, 0x{tail:016x}, {len(name)}, {keyword},\n'
            f"     EFFECT_{EFFECTS[effect]}, {bits}, {version(mysql)}, {version(mariadb)}}},\n")
    lines = []
    for start in range(0, SLOTS, 20):
        lines.append("    " + ", ".join(str(n) for n in index[start:start + 20]) + ",\n")
    with open(os.path.join(HERE, "words.c.in"), encoding="ascii") as template:
        code = template.read()
    code = code.replace("@ROWS@\n", "".join(text)).replace("@INDEX@\n", "".join(lines))
    code = code.replace("@SLOTS@", str(SLOTS))
    with open(os.path.join(HERE, "words.c"), "w", encoding="ascii") as out:
        out.write(code)
    with open(os.path.join(HERE, "words.h"), encoding="ascii") as header:
        have = set(re.findall(r"\bKEYWORD_(\w+),?", header.read()))
    want = {row[0].upper() for row in rows if "k" in row[1]}
    for name in sorted(want - have):
        print(f"words.h lacks KEYWORD_{name}")


if __name__ == "__main__":
    main()
