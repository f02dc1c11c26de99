# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests with a display share: a display of their own, synthetic keys
and mouse, pixels of the screen; one GIMP with a window of the plug-in open.
Screenshots go to $TESS_SCREENSHOTS, when that is set."""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from gimp import Tap, complaints, find_program

GUI = ['gimp', 'gimp-3', 'gimp-3.2', 'gimp-3.0']


def inside():
    """Whether this is the inner call, with a display and a session bus."""
    return 'TESS_DIALOG_INSIDE' in os.environ


def enter():
    xvfb = find_program(['xvfb-run'], 'xvfb-run')
    bus = find_program(['dbus-run-session'], 'dbus-run-session')
    for name in ('xdotool', 'openbox'):
        find_program([name], name)
    os.environ['TESS_DIALOG_INSIDE'] = '1'
    os.environ['TESS_SCREEN'] = tempfile.mkdtemp(prefix='tessera-screen-')
    screen = f'-screen 0 1400x1000x24 -fbdir {os.environ["TESS_SCREEN"]}'
    os.execv(xvfb, [xvfb, '-a', '-s', screen, bus, '--',
                    sys.executable, *sys.argv])


def xdo(*words):
    return subprocess.run(['xdotool', *words], text=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.strip()


def until(what, seconds, every=0.2):
    """The first true answer, or the last."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(every)


def window(pattern):
    return xdo('search', '--onlyvisible', '--name', pattern).split('\n')[-1]


class Screen:
    """The display's pixels, as X's own dump has them; (r, g, b) at (x, y)."""

    def __init__(self):
        data = (Path(os.environ['TESS_SCREEN']) / 'Xvfb_screen0').read_bytes()
        head = struct.unpack('>25I', data[:100])
        size, self.width, self.height = head[0], head[4], head[5]
        self.stride = head[12]
        self.pixels = data[size + 12 * head[19]:]

    def at(self, x, y):
        blue, green, red = self.pixels[y * self.stride + 4 * x:][:3]
        return red, green, blue

    def part(self, x, y, width, height):
        """The bytes of a rectangle: to be compared."""
        return b''.join(self.pixels[row * self.stride + 4 * x:][:4 * width]
                        for row in range(y, y + height))

    def write(self, path):
        """As PNG."""
        rows = b''
        for y in range(self.height):
            row = self.pixels[y * self.stride:][:4 * self.width]
            rgb = bytearray(3 * self.width)
            rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
            rows += b'\0' + bytes(rgb)
        chunks = ((b'IHDR', struct.pack('>IIBBBBB', self.width, self.height, 8,
                                        2, 0, 0, 0)),
                  (b'IDAT', zlib.compress(rows)), (b'IEND', b''))
        Path(path).write_bytes(b'\x89PNG\r\n\x1a\n' + b''.join(
            struct.pack('>I', len(body)) + kind + body
            + struct.pack('>I', zlib.crc32(kind + body))
            for kind, body in chunks))


def shoot(name):
    folder = os.environ.get('TESS_SCREENSHOTS')
    if folder:
        Screen().write(f'{folder}/{name}.png')


def place(window_id):
    """x, y, width, height of a window on the screen; 0 where it is gone."""
    text = xdo('getwindowgeometry', '--shell', window_id)
    values = dict(line.split('=') for line in text.splitlines() if '=' in line)
    return tuple(int(values.get(key, 0))
                 for key in ('X', 'Y', 'WIDTH', 'HEIGHT'))


class Session:
    """One GIMP with the window called @title open, by @script, a call in it."""

    def __init__(self, gimp, tap, title, script='dialog.scm', **names):
        self.tap = tap
        self.title = title
        # A log of its own: what the session before left behind may still
        # write to its.
        log, name = tempfile.mkstemp(prefix='log-', dir=gimp.folder)
        self.log = Path(name)
        path = gimp.script(script, **names)
        self.process = subprocess.Popen(
            [find_program(GUI, 'gimp'), '-n', '-s', '-d', '-f',
             '--batch-interpreter=plug-in-script-fu-eval',
             '-b', f'(load "{path}")'],
            env=gimp.env, cwd=gimp.folder, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT)
        os.close(log)
        found = until(lambda: window(f'^{title}$'), 90)
        self.tap.check(found, f'the window “{title}” opens', self.text())
        self.dialog = found
        time.sleep(1.5)
        self.focus()

    def told(self, pattern):
        """The last that was logged, as floats."""
        found = re.findall(pattern, self.text())
        return tuple(float(x) for x in found[-1]) if found else None

    def focus(self):
        xdo('windowactivate', '--sync', self.dialog)

    def key(self, *keys):
        xdo('key', '--clearmodifiers', *keys)
        time.sleep(0.3)

    def text(self):
        return self.log.read_text(errors='replace')

    def painting(self):
        """The title says how far it is; a search can miss a window whose title
        changes just then."""
        return until(lambda: window(f'% – {self.title}$'), 0.2, 0.1)

    def layers(self):
        """What the script said last."""
        told = re.findall(r'LAYERS (\d+) (\w+)', self.text())
        return (int(told[-1][0]), told[-1][1]) if told else None

    def closed(self):
        return 'CLOSED' in self.text()

    def generate(self, prompt):
        self.key('alt+p', 'ctrl+a')
        xdo('type', '--delay', '15', prompt)
        self.key('alt+g')
        return until(self.painting, 20, 0.05)

    def end(self, *known):
        found = complaints(self.text(), *known)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.tap.check(not found, 'the plug-in complained of nothing',
                       '\n'.join(found))


def run(cases):
    """All @cases, on a display of their own; the exit status."""
    if not inside():
        enter()
    manager = subprocess.Popen(['openbox'], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    tap = Tap()
    try:
        for case in cases:
            case(tap)
    finally:
        manager.terminate()
        shutil.rmtree(os.environ['TESS_SCREEN'], ignore_errors=True)
    return tap.finish()
