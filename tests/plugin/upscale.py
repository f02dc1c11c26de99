#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/plugin/upscale.py CASE: the dialog of Upscale in a real GIMP: a spot
tried before the whole, its split view drawn, Stop, the whole kept; and what the
dialog says where there are no weights; TAP."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimp import Gimp  # noqa: E402
from gui import (Screen, Session, place, run, shoot, until, window,  # noqa: E402
                 xdo)


def picture_part(session):
    """The middle of where the picture is."""
    x, y, width, height = place(session.dialog)
    return (x + width * 6 // 10, y + height // 4, width // 4, height // 4)


def drag(session, from_x, to_x):
    """On the picture, in parts of the dialog's width."""
    x, y, width, height = place(session.dialog)
    middle = str(y + height * 2 // 5)
    xdo('mousemove', str(x + int(width * from_x)), middle, 'mousedown', '1')
    time.sleep(0.2)
    xdo('mousemove', str(x + int(width * to_x)), middle)
    time.sleep(0.2)
    xdo('mouseup', '1')
    time.sleep(0.3)


def spot(tap):
    with Gimp() as gimp:
        gimp.add_upscaler()
        session = Session(gimp, tap, 'Upscale', 'upscale-dialog.scm',
                          WIDTH=192, HEIGHT=128, SECONDS=25)
        time.sleep(1)
        shoot('upscale')
        whole = Screen().part(*picture_part(session))
        tap.check(len(set(whole)) > 4, 'the picture is shown at once')

        session.key('alt+i')
        until(lambda: Screen().part(*picture_part(session)) != whole, 10)
        time.sleep(1)
        until(lambda: not session.painting(), 120)
        tap.check(not session.painting(), 'the spot is painted',
                  session.text())
        time.sleep(0.5)
        session.focus()
        shoot('upscale-spot')
        split = Screen().part(*picture_part(session))
        tap.check(split != whole, 'before and after are shown')
        drag(session, 0.66, 0.46)
        after = Screen().part(*picture_part(session))
        shoot('upscale-after')
        drag(session, 0.5, 0.97)
        before = Screen().part(*picture_part(session))
        shoot('upscale-before')
        tap.check(len({split, after, before}) == 3,
                  'the line between them moves')
        tap.check(session.layers() == (1, 'clean'), 'the image is as it was',
                  session.layers())
        jobs = gimp.folder / '.local' / 'state' / 'tessera' / 'jobs'
        tap.check(not list(jobs.glob('*/request.json')),
                  'a spot leaves no job behind')

        session.focus()
        session.key('alt+u')
        tap.check(until(session.painting, 20, 0.05),
                  'the whole is being painted')
        until(lambda: list(jobs.glob('*/state*')), 60)
        shoot('upscale-painting')
        session.key('alt+t')
        until(lambda: not session.painting(), 60, 0.05)
        tap.check(not session.painting(), 'Stop answers')
        session.focus()
        shoot('upscale-stopped')
        tap.check(session.layers() == (1, 'clean'),
                  'the image is as it was after Stop', session.layers())

        session.key('alt+j')
        until(session.painting, 20, 0.05)
        until(lambda: not session.painting(), 240)
        tap.check(not session.painting(), 'Resume goes on to the end')
        time.sleep(0.5)
        session.focus()
        shoot('upscale-painted')
        session.key('alt+k')
        made = until(lambda: window(r'1 layer\) 768x512'), 20)
        shoot('upscale-kept')
        tap.check(made, 'the larger image is shown', session.text())
        session.focus()
        session.key('alt+c')
        until(session.closed, 20)
        tap.check(session.closed(), 'the dialog closes', session.text())
        until(lambda: session.layers() == (1, 'clean'), 5)
        tap.check(session.layers() == (1, 'clean'),
                  'the image that was enlarged is as it was', session.layers())
        session.end()


def missing(tap):
    """Where no weights are found the dialog says what to put where."""
    with Gimp() as gimp:
        gimp.copy_model('upscaling')
        session = Session(gimp, tap, 'Upscale', 'upscale-dialog.scm',
                          WIDTH=96, HEIGHT=64, SECONDS=2)
        time.sleep(1)
        shoot('upscale-no-weights')
        session.key('alt+u')
        time.sleep(1)
        shoot('upscale-refused')
        tap.check(not session.painting(), 'nothing is painted')
        settings = gimp.folder / 'config' / 'tessera' / 'settings.ini'
        tap.check(settings.exists()
                  and 'stablesr_000117.ckpt' in settings.read_text(),
                  'what to put where is told', settings.exists()
                  and settings.read_text())
        session.focus()
        session.key('alt+c')
        until(session.closed, 20)
        tap.check(session.layers() == (1, 'clean'), 'the image is as it was',
                  session.layers())
        session.end()


def asked(tap):
    """What the file does not say is asked once."""
    with Gimp() as gimp:
        gimp.add_upscaler('sd2')
        told = gimp.folder / 'config' / 'tessera' / 'models.ini'
        for time_ in (1, 2):
            session = Session(gimp, tap, 'Upscale', 'upscale-dialog.scm',
                              WIDTH=96, HEIGHT=64, SECONDS=2)
            time.sleep(2)
            session.key('alt+i')
            question = until(lambda: window('^Noise or Velocity$'),
                             10 if time_ == 1 else 3)
            tap.check(bool(question) == (time_ == 1),
                      'it is asked' if time_ == 1 else 'it is not asked again')
            if question:
                shoot('upscale-asked')
                session.key('alt+n')
                until(told.exists, 5)
                tap.check(told.exists() and 'upscaler' in told.read_text(),
                          'the answer is remembered')
            time.sleep(1)
            until(lambda: not session.painting(), 60)
            session.focus()
            session.key('alt+c')
            until(session.closed, 20)
            tap.check(session.closed(), 'the dialog closes', session.text())
            session.end()


if __name__ == '__main__':
    sys.exit(run([{'spot': spot, 'missing': missing, 'asked': asked}[sys.argv[1]]]))
