#!/usr/bin/env python3
"""Records `greenroom demo` in a terminal and writes it as an animated picture: docs/demo.svg.

    cargo build --release && scripts/demo.py [BINARY] [PICTURE]

The run is real, and so are its colours and its timing, but for pauses, which are cut short. The picture plays once
and then stands still: the fourth deployment is the last that it shows. Where animations are off it shows the end at
once. Needs only Python's standard library.
"""

import codecs
import fcntl
import html
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

COLUMNS, ROWS = 100, 24
# How often the screen is looked at, in seconds: the status line is drawn ten times a second.
LOOK = 0.2
# The longest that the picture keeps still, in seconds.
STILL = 1.5
# The chapter before which the picture ends: the record and the summary are read better elsewhere.
END = "5. "
# The longest that a run may take, in seconds.
PATIENCE = 300
FONT, WIDTH, HEIGHT, EDGE = 14, 8.43, 19, 18

BACKGROUND, TEXT = "#0d1117", "#e6edf3"
COLOURS = {
    30: "#6e7681", 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea", 37: TEXT,
    90: "#8b949e", 91: "#ffa198", 92: "#aff5b4", 93: "#f8e3a1", 94: "#a5d6ff", 95: "#e2c5ff", 96: "#b3f0ff", 97: "#ffffff",
}
CONTROL = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+|\x1b")


class Screen:
    """As much of a terminal as the demo uses: lines that wrap, colours, and a last line that is drawn again."""

    def __init__(self):
        self.lines = [[]]
        self.column = 0
        self.wraps = True
        self.style = ()
        self.rest = ""

    def write(self, text):
        text = self.rest + text
        # A sequence may end in the next piece.
        cut = text.rfind("\x1b")
        unfinished = cut >= 0 and not re.match(r"\x1b\[[?0-9;]*[A-Za-z]", text[cut:])
        text, self.rest = (text[:cut], text[cut:]) if unfinished else (text, "")
        for piece in CONTROL.finditer(text):
            self.put(piece)

    def put(self, piece):
        whole, parameters, final = piece.group(0), piece.group(1), piece.group(2)
        if whole == "\n":
            self.lines.append([])
            self.column = 0
        elif whole == "\r":
            self.column = 0
        elif final == "K" and parameters == "2":
            self.lines[-1] = []
        elif final == "m":
            self.restyle([int(number or 0) for number in parameters.split(";")])
        elif parameters == "?7":
            self.wraps = final == "h"
        elif final is None and whole != "\x1b":
            for letter in whole:
                self.letter(letter)
        else:
            raise SystemExit(f"the demo wrote a control sequence that this script does not know: {whole!r}")

    def letter(self, letter):
        if self.column == COLUMNS and self.wraps:
            self.lines.append([])
            self.column = 0
        line = self.lines[-1]
        self.column = min(self.column, COLUMNS - 1)
        line.extend([(" ", ())] * (self.column - len(line)))
        line[self.column : self.column + 1] = [(letter, self.style)]
        self.column += 1

    def restyle(self, numbers):
        for number in numbers:
            if number == 0:
                self.style = ()
            elif number == 39:
                self.style = tuple(known for known in self.style if known not in COLOURS)
            elif number == 22:
                self.style = tuple(known for known in self.style if known not in (1, 2))
            else:
                self.style = tuple(known for known in self.style if known != number) + (number,)

    def shown(self):
        lines = [tuple(line) for line in self.lines]
        return lines[:-1] if not lines[-1] else lines


def record(binary):
    """What the screen showed, and when: pairs of seconds and lines."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", LANG="C.UTF-8", LC_ALL="C.UTF-8", USER="ada")
        for name in ("NO_COLOR", "CI", "GITHUB_ACTIONS", "GITLAB_CI"):
            os.environ.pop(name, None)
        os.execv(binary, ["greenroom", "demo"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen, frames, began = Screen(), [(0.0, [])], time.monotonic()
    decoder = codecs.getincrementaldecoder("utf-8")()
    looked, ended = 0.0, False
    while not ended:
        now = time.monotonic() - began
        if now > PATIENCE:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)  # it cleans up
            raise SystemExit(f"the demo did not end within {PATIENCE} s")
        ready, _, _ = select.select([terminal], [], [], LOOK)
        if ready:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # Linux says so when the other side is closed.
                piece = b""
            ended = not piece
            screen.write(decoder.decode(piece, final=ended))
        now = time.monotonic() - began
        if ended or now - looked >= LOOK:
            looked = now
            if screen.shown() != frames[-1][1]:
                frames.append((now, screen.shown()))
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        last = "\n".join("".join(letter for letter, _ in line) for line in screen.shown())
        raise SystemExit(f"the demo did not hold, so there is no picture of it:\n{last}")
    return frames


def spans(line):
    """A line as SVG: one `tspan` for each run of letters in one style."""
    runs = []
    for letter, style in line:
        if runs and runs[-1][1] == style:
            runs[-1][0] += letter
        else:
            runs.append([letter, style])
    written = ""
    for text, style in runs:
        attributes = "".join(f' fill="{COLOURS[number]}"' for number in style if number in COLOURS)
        attributes += ' font-weight="bold"' if 1 in style else ""
        attributes += ' opacity=".65"' if 2 in style else ""
        text = html.escape(text, quote=False)
        written += f"<tspan{attributes}>{text}</tspan>" if attributes else text
    return written


def intervals(frames):
    """Each state of each row, with the seconds from and until which it stands; `None` is for ever."""
    standing, found = {}, []
    for seconds, lines in frames:
        for row in range(max(len(lines), len(standing))):
            line = lines[row] if row < len(lines) else ()
            since = standing.get(row)
            if since and since[1] == line:
                continue
            if since and since[1]:
                found.append((row, since[1], since[0], seconds))
            standing[row] = (seconds, line)
    found += [(row, line, since, None) for row, (since, line) in standing.items() if line]
    return sorted(found, key=lambda state: (state[0], state[2]))


def without_pauses(frames):
    """The same states, none of which stands for longer than a reader needs."""
    shortened, at, before = [], 0.0, 0.0
    for seconds, lines in frames:
        at += min(seconds - before, STILL)
        before = seconds
        shortened.append((at, lines))
    return shortened


def until_the_end(frames):
    """The same states, without the lines of the chapter `END` and those after it."""
    last = ["".join(letter for letter, _ in line) for line in frames[-1][1]]
    row = next((row for row, line in enumerate(last) if line.startswith(END)), None)
    if row is None:
        raise SystemExit(f"the demo has no chapter {END!r} any more: say in END where the picture ends")
    kept = [(0.0, [])]
    for seconds, lines in frames:
        # An empty line stands before each chapter.
        if lines[: row - 1] != kept[-1][1]:
            kept.append((seconds, lines[: row - 1]))
    return kept


def picture(frames):
    """The whole picture. Row 0 is the command itself."""
    end = frames[-1][0]
    width, height = round(COLUMNS * WIDTH + 2 * EDGE), ROWS * HEIGHT + 2 * EDGE

    def scrolled(lines):
        return max(len(lines) + 1 - ROWS, 0) * HEIGHT

    moves, before = [], 0
    for seconds, lines in frames:
        if scrolled(lines) != before:
            moves.append((seconds, before, scrolled(lines)))
            before = scrolled(lines)
    steps = "".join(
        f"{max(seconds / end * 100 - 0.001, 0):.3f}%{{transform:translateY(-{old}px)}}"
        f"{seconds / end * 100:.3f}%{{transform:translateY(-{new}px)}}"
        for seconds, old, new in moves
    )
    rows = [f'<text y="{FONT}"><tspan fill="{COLOURS[32]}">$</tspan> greenroom demo</text>']
    for row, line, since, until in intervals(frames):
        motion = f"animation-delay:{since:.2f}s"
        kind = "on"
        if until is not None:
            kind, motion = "by", f"{motion};animation-duration:{until - since:.2f}s"
        rows.append(f'<text class="{kind}" style="{motion}" y="{(row + 1) * HEIGHT + FONT}">{spans(line)}</text>')
    text = "\n".join(rows)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="t">
<title id="t">greenroom demo: four versions of a service are deployed, two of them are taken back</title>
<!-- Written by scripts/demo.py from a real run. -->
<style>
text{{font:{FONT}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:{TEXT};white-space:pre}}
.on{{animation:on 1ms both}}
.by{{visibility:hidden;animation:by 1s}}
#scroll{{transform:translateY(-{before}px);animation:scroll {end:.2f}s linear}}
@keyframes on{{from{{visibility:hidden}}to{{visibility:visible}}}}
@keyframes by{{from,to{{visibility:visible}}}}
@keyframes scroll{{0%{{transform:translateY(0)}}{steps}100%{{transform:translateY(-{before}px)}}}}
@media (prefers-reduced-motion:reduce){{.on,.by,#scroll{{animation:none}}}}
</style>
<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="{BACKGROUND}" stroke="#30363d"/>
<clipPath id="c"><rect width="{width - 2 * EDGE}" height="{ROWS * HEIGHT}"/></clipPath>
<g transform="translate({EDGE} {EDGE})" clip-path="url(#c)"><g id="scroll">
{text}
</g></g>
</svg>
"""


def main():
    binary = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release/greenroom")
    file = sys.argv[2] if len(sys.argv) > 2 else "docs/demo.svg"
    frames = record(binary)
    with open(file, "w", encoding="utf-8") as out:
        out.write(picture(without_pauses(until_the_end(frames))))
    print(f"{file}: {len(frames)} states of the screen in {frames[-1][0]:.1f} s, {os.path.getsize(file)} bytes")


main()
