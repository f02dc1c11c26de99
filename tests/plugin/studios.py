#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/plugin/studios.py CASE: the dialogs of Panorama, Any Size and Cube Faces
in a real GIMP: a panorama painted, looked at from inside, kept; a large picture
stopped and resumed; TAP."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimp import Gimp  # noqa: E402
from gui import Session, run, shoot, until, window  # noqa: E402

SEAM = r'seam: line ([\d.]+) .* tone ([\d.]+) '


def panorama(tap):
    with Gimp() as gimp:
        gimp.env['G_MESSAGES_DEBUG'] = 'tessera'
        session = Session(gimp, tap, 'Panorama',
                          PROCEDURE='plug-in-tessera-panorama',
                          WIDTH=256, HEIGHT=128, SECONDS=3)
        shoot('panorama')
        session.key('alt+3')
        viewer = until(lambda: window('^360 Viewer$'), 10)
        tap.check(viewer, 'the viewer opens beside it', session.text())
        session.focus()
        tap.check(session.generate('hills under clouds'), 'painting begins',
                  session.text())
        until(lambda: session.told(SEAM), 120)
        tap.check(session.told(SEAM), 'done, the seam is measured',
                  session.text())
        time.sleep(1)
        shoot('panorama-painted')
        session.focus()
        session.key('alt+k')
        time.sleep(1)
        session.key('alt+c')
        until(session.closed, 20)
        tap.check(session.closed(), 'the dialog closes without a question',
                  session.text())
        until(lambda: session.layers() == (2, 'dirty'), 5)
        tap.check(session.layers() == (2, 'dirty'), 'there is one layer more',
                  session.layers())
        jobs = gimp.folder / '.local' / 'state' / 'tessera' / 'jobs'
        left = [path for path in jobs.glob('*/request.json')]
        tap.check(not left, 'a kept picture leaves no job behind', left)
        session.end()


def any_size(tap):
    with Gimp() as gimp:
        session = Session(gimp, tap, 'Any Size',
                          PROCEDURE='plug-in-tessera-any-size',
                          WIDTH=1024, HEIGHT=1024, SECONDS=2)
        shoot('any-size')
        session.key('alt+j')
        time.sleep(0.5)
        tap.check(not session.painting(), 'there is nothing to resume yet')
        tap.check(session.generate('a lake at dawn'), 'painting begins',
                  session.text())
        jobs = gimp.folder / '.local' / 'state' / 'tessera' / 'jobs'
        until(lambda: list(jobs.glob('*/state*')), 60)
        tap.check(list(jobs.glob('*/state*')), 'a step is written down',
                  list(jobs.glob('*/*')))
        session.focus()
        session.key('alt+t')
        until(lambda: not session.painting(), 60)
        tap.check(not session.painting(), 'Stop answers')
        shoot('any-size-stopped')
        session.focus()
        session.key('alt+j')
        tap.check(until(session.painting, 20, 0.05),
                  'Resume Last Job goes on')
        time.sleep(1)
        shoot('any-size-resumed')
        session.focus()
        session.key('alt+t')
        until(lambda: not session.painting(), 60)
        session.focus()
        session.key('alt+c')
        until(session.closed, 20)
        tap.check(session.layers() == (1, 'clean'), 'the image is as it was',
                  session.layers())
        session.end()


def project(tap):
    with Gimp() as gimp:
        session = Session(gimp, tap, 'Project Panorama',
                          PROCEDURE='plug-in-tessera-project',
                          WIDTH=256, HEIGHT=128, SECONDS=1)
        shoot('project')
        session.key('alt+p')
        until(session.closed, 30)
        found = until(lambda: window(r'6 layers\) 256x192'), 10)
        shoot('projected')
        tap.check(found, 'the cube is shown as an image of its own',
                  session.text())
        session.end()


if __name__ == '__main__':
    sys.exit(run([{'panorama': panorama, 'any-size': any_size,
                   'project': project}[sys.argv[1]]]))
