#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/plugin/dialog.py: the dialog in a real GIMP on a display of its own,
driven by keys; TAP."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimp import Gimp, skip  # noqa: E402
from gui import Session, run, shoot, until, window, xdo  # noqa: E402


def stop(tap):
    """Stop in the middle leaves everything as it was; the prompt is kept."""
    with Gimp() as gimp:
        session = Session(gimp, tap, 'Generate', PROCEDURE='plug-in-tessera-generate',
                          WIDTH=1536, HEIGHT=1536, SECONDS=4)
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
        until(lambda: not gimp.helpers(), 10)
        tap.check(not gimp.helpers(), 'no process is left',
                  gimp.helpers())
        settings = gimp.folder / 'config' / 'tessera' / 'settings.ini'
        tap.check(settings.exists() and 'a lake at dawn' in
                  settings.read_text(), 'the prompt is remembered')
        session.end()


def keep(tap):
    """Two pictures, the second kept: one new layer, one step to undo."""
    with Gimp() as gimp:
        session = Session(gimp, tap, 'Generate', PROCEDURE='plug-in-tessera-generate',
                          WIDTH=128, HEIGHT=96, SECONDS=25)
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


def card(tap):
    """Where there are two cards, here Mesa's processor from two drivers' files,
    the row for them is there, and what is chosen is painted with and kept."""
    driver = next(Path('/usr/share/vulkan/icd.d').glob('lvp_icd*.json'), None)
    if not driver:
        skip('no llvmpipe here')
    with Gimp() as gimp:
        drivers = [gimp.folder / f'driver-{i}.json' for i in range(2)]
        for path in drivers:
            path.write_bytes(driver.read_bytes())
        gimp.env.update(VK_DRIVER_FILES=':'.join(map(str, drivers)),
                        TESSERA_DEVICE='llvmpipe', TESSERA_GPU_PROOF='0')
        session = Session(gimp, tap, 'Generate', PROCEDURE='plug-in-tessera-generate',
                          WIDTH=64, HEIGHT=64, SECONDS=8)
        session.key('alt+v')  # Advanced
        time.sleep(3)  # the cards are looked for
        session.key('alt+h')  # Graphics card
        shoot('card-row')
        session.key('Down', 'Down')
        time.sleep(0.5)
        shoot('card-chosen')
        tap.check(session.generate('hills'), 'painting begins', session.text())
        until(lambda: not session.painting(), 200)
        tap.check(not session.painting(), 'the picture is done',
                  session.text())
        session.focus()
        session.key('alt+k')
        time.sleep(1)
        session.key('alt+c')
        tap.check(until(session.closed, 20), 'the dialog closes',
                  session.text())
        tap.check('"card":"1"' in session.text().replace(' ', ''),
                  'the second card is kept with the picture', session.text())
        session.end()


CASES = {'dialog': [stop, keep], 'card': [card]}

if __name__ == '__main__':
    sys.exit(run(CASES[sys.argv[1]]))
