#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/plugin/dialog.py: the dialog in a real GIMP on a display of its own,
driven by keys; TAP. Screenshots go to $TESS_SCREENSHOTS, when that is set."""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimp import Gimp, Tap, complaints, find_program  # noqa: E402

GUI = ['gimp', 'gimp-3', 'gimp-3.2', 'gimp-3.0']
TITLE = os.environ.get('TESS_TITLE', 'Generate')


def inside():
    """Whether this is the inner call, with a display and a session bus."""
    return 'TESS_DIALOG_INSIDE' in os.environ


def enter():
    xvfb = find_program(['xvfb-run'], 'xvfb-run')
    bus = find_program(['dbus-run-session'], 'dbus-run-session')
    for name in ('xdotool', 'openbox'):
        find_program([name], name)
    os.environ['TESS_DIALOG_INSIDE'] = '1'
    os.execv(xvfb, [xvfb, '-a', '-s', '-screen 0 1400x1000x24', bus, '--',
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


def shoot(name):
    folder = os.environ.get('TESS_SCREENSHOTS')
    if folder:
        subprocess.run(['import', '-window', 'root', f'{folder}/{name}.png'])


class Session:
    """One GIMP with the dialog open."""

    def __init__(self, gimp, tap, **sizes):
        self.tap = tap
        self.log = gimp.folder / 'log'
        path = gimp.script('dialog.scm', **sizes)
        self.process = subprocess.Popen(
            [find_program(GUI, 'gimp'), '-n', '-s', '-d', '-f',
             '--batch-interpreter=plug-in-script-fu-eval',
             '-b', f'(load "{path}")'],
            env=gimp.env, cwd=gimp.folder, stdin=subprocess.DEVNULL,
            stdout=self.log.open('w'), stderr=subprocess.STDOUT)
        found = until(lambda: window(f'^{TITLE}$'), 90)
        self.tap.check(found, 'the dialog opens', self.text())
        self.dialog = found
        time.sleep(1.5)
        self.focus()

    def focus(self):
        xdo('windowactivate', '--sync', self.dialog)

    def key(self, *keys):
        xdo('key', '--clearmodifiers', *keys)
        time.sleep(0.3)

    def text(self):
        return self.log.read_text(errors='replace')

    def painting(self):
        return window(f'% – {TITLE}$')

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

    def end(self):
        found = complaints(self.text())
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.tap.check(not found, 'the plug-in complained of nothing',
                       '\n'.join(found))


def helpers_left(gimp):
    """Processes of the plug-in that are still there."""
    done = subprocess.run(['ps', '-eo', 'args'], text=True,
                          stdout=subprocess.PIPE).stdout
    return [line for line in done.splitlines()
            if line.startswith(str(gimp.stage / 'tessera' / 'tessera'))]


def stop(tap):
    """Stop in the middle leaves everything as it was; the prompt is kept."""
    with Gimp() as gimp:
        session = Session(gimp, tap, WIDTH=1536, HEIGHT=1536, SECONDS=4)
        tap.check(session.generate('a lake at dawn'), 'painting begins',
                  session.text())
        time.sleep(2)
        shoot('painting')
        tap.check(session.painting(), 'it is painting still', session.text())
        begin = time.monotonic()
        session.key('alt+t')
        until(lambda: not session.painting(), 60, 0.05)
        seconds = time.monotonic() - begin
        tap.check(not session.painting() and seconds < 10,
                  f'Stop answers ({seconds:.1f} s)')
        shoot('stopped')
        session.focus()
        session.key('alt+c')
        until(session.closed, 20)
        tap.check(session.closed(), 'the dialog closes', session.text())
        tap.check(session.layers() == (1, 'clean'), 'the image is as it was',
                  session.layers())
        until(lambda: not helpers_left(gimp), 10)
        tap.check(not helpers_left(gimp), 'no process is left',
                  helpers_left(gimp))
        settings = gimp.folder / 'config' / 'tessera' / 'settings.ini'
        tap.check(settings.exists() and 'a lake at dawn' in
                  settings.read_text(), 'the prompt is remembered')
        session.end()


def keep(tap):
    """Two pictures, the second kept: one new layer, one step to undo."""
    with Gimp() as gimp:
        session = Session(gimp, tap, WIDTH=128, HEIGHT=96, SECONDS=25)
        shoot('open')
        for prompt in ('hills under clouds', 'hills in the snow'):
            tap.check(session.generate(prompt), f'painting begins: {prompt}',
                      session.text())
            until(lambda: not session.painting(), 120)
            tap.check(not session.painting(), 'the picture is done',
                      session.text())
            session.focus()
        shoot('painted')
        session.key('alt+k')
        time.sleep(1)
        shoot('kept')
        session.key('alt+c')
        until(session.closed, 20)
        tap.check(session.closed(), 'the dialog closes without a question',
                  session.text())
        until(lambda: session.layers() == (2, 'dirty'), 5)
        tap.check(session.layers() == (2, 'dirty'), 'there is one layer more',
                  session.layers())
        xdo('windowactivate', '--sync', window('GIMP$'))
        time.sleep(0.5)
        session.key('ctrl+z')
        until(lambda: session.layers()[0] == 1, 10)
        shoot('undone')
        tap.check(session.layers()[0] == 1, 'one step undoes it',
                  session.layers())
        session.end()


def main():
    if not inside():
        enter()
    manager = subprocess.Popen(['openbox'], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    tap = Tap()
    try:
        for case in (stop, keep):
            case(tap)
    finally:
        manager.terminate()
    return tap.finish()


if __name__ == '__main__':
    sys.exit(main())
