#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/plugin/viewer.py gl|processor: the 360 viewer in a real GIMP, driven by
mouse and keys, drawn by OpenGL where there is some or by the processor; TAP."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimp import Gimp  # noqa: E402
from gui import (Screen, Session, place, run, shoot, until, window,  # noqa: E402
                 xdo)

CAMERA = r'viewer: yaw (-?[\d.]+) pitch (-?[\d.]+) fov ([\d.]+)'
SEAM = r'seam: line ([\d.]+) .* tone ([\d.]+) '
RED, GREEN, BLUE, YELLOW = 'red', 'green', 'blue', 'yellow'


def color(rgb):
    red, green, blue = (value > 100 for value in rgb)
    return {(True, False, False): RED, (False, True, False): GREEN,
            (False, False, True): BLUE, (True, True, False): YELLOW}.get(
                (red, green, blue), str(rgb))


class Viewer(Session):
    def seen(self):
        """Colors a little left and right of the middle of the view."""
        x, y, width, _ = place(self.dialog)
        screen = Screen()
        return tuple(color(screen.at(x + width // 2 + dx, y + 200))
                     for dx in (-40, 40))

    def sees(self, left, right, what):
        until(lambda: self.seen() == (left, right), 10)
        self.tap.check(self.seen() == (left, right),
                       f'{what}: {left} and {right}', self.seen())

    def near(self, wanted, what):
        """Whether the camera is where it should be: yaw, pitch, fov."""
        def is_there():
            camera = self.told(CAMERA)
            return camera and all(w is None or abs(c - w) < 0.6
                                  for c, w in zip(camera, wanted))
        until(is_there, 5)
        self.tap.check(is_there(), what, self.told(CAMERA))

    def drag(self, dx, dy):
        x, y, width, _ = place(self.dialog)
        xdo('mousemove', str(x + width // 2), str(y + 200), 'mousedown', '1')
        for part in range(1, 6):
            xdo('mousemove', str(x + width // 2 + dx * part // 5),
                str(y + 200 + dy * part // 5))
            time.sleep(0.05)
        xdo('mouseup', '1')
        time.sleep(0.3)


def look_around(tap, gl):
    with Gimp() as gimp:
        gimp.env['G_MESSAGES_DEBUG'] = 'tessera'
        gimp.env['TESSERA_GL'] = '1' if gl else '0'
        name = 'gl' if gl else 'processor'
        viewer = Viewer(gimp, tap, '360 Viewer', 'viewer.scm')
        shoot(f'viewer-{name}')
        viewer.sees(GREEN, BLUE, 'straight ahead is the middle')
        until(lambda: viewer.told(SEAM), 20)
        seam = viewer.told(SEAM)
        tap.check(seam and seam[0] > 2 and seam[1] > 2, 'a seam is measured',
                  viewer.text())
        _, _, width, _ = place(viewer.dialog)
        viewer.drag(-width // 4, 0)
        viewer.near((22.5, 0, 90), 'a drag to the left looks to the right')
        viewer.drag(0, 60)
        viewer.near((22.5, 60 * 90 / width, 90), 'a drag down looks up')
        xdo('click', '4')
        viewer.near((None, None, 90 / 1.1), 'the wheel comes closer')
        viewer.key('minus')
        viewer.near((None, None, 90), 'minus goes back')
        viewer.key('Home')
        viewer.near((0, 0, 90), 'Home looks ahead')
        viewer.key('Right', 'Right', 'Right')
        viewer.near((15, 0, 90), 'arrow keys turn')
        viewer.key('alt+s')
        viewer.near((180, 0, 90), 'the seam is behind')
        viewer.sees(YELLOW, RED, 'at the seam')
        viewer.key('alt+l')
        time.sleep(1)
        shoot(f'planet-{name}')
        viewer.key('alt+l', 'alt+t')
        viewer.sees(YELLOW, RED, 'turned, the seam is ahead')
        time.sleep(2)
        viewer.sees(YELLOW, RED, 'and stays there')
        shoot(f'turned-{name}')
        xdo('windowactivate', '--sync', window('GIMP$'))
        time.sleep(0.5)
        viewer.key('ctrl+z')
        viewer.focus()
        viewer.sees(GREEN, BLUE, 'undone in one step, seen at once')
        viewer.key('alt+c')
        until(lambda: 'CLOSED' in viewer.text(), 20)
        tap.check('CLOSED' in viewer.text(), 'the viewer closes', viewer.text())
        until(lambda: 'LEFT red 2' in viewer.text().split('CLOSED')[-1], 5)
        tap.check('LEFT red 2' in viewer.text().split('CLOSED')[-1],
                  'the image is as it was', viewer.text())
        tap.check(('viewer: OpenGL' in viewer.text()) == gl
                  or 'does not work' in viewer.text(),
                  f'drawn by {name}', viewer.text())
        viewer.end()


if __name__ == '__main__':
    sys.exit(run([lambda tap: look_around(tap, sys.argv[1] == 'gl')]))
