#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/plugin/instances.py CASE: the tab Instances in a real GIMP: a layer
group with three layers and a path becomes a job with these things in their
places; texts, formats and warnings; TAP."""
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gimp import Gimp  # noqa: E402
from gui import Screen, Session, place, run, shoot, until, xdo  # noqa: E402

GROUP = 'Tessera instances'


def jobs(gimp):
    """Requests written down, oldest first."""
    folder = gimp.folder / '.local' / 'state' / 'tessera' / 'jobs'
    found = sorted(folder.glob('*/request.json'),
                   key=lambda path: path.stat().st_mtime)
    return [json.loads(path.read_text()) for path in found]


def n_marked(dialog):
    """Pixels of the dialog in the yellow of outlines."""
    x, y, width, height = place(dialog)
    screen = Screen()
    rows = screen.part(max(x, 0), max(y, 0), width, height)
    return sum(red > 230 and 180 < green < 225 and blue < 70 for blue, green, red
               in zip(rows[0::4], rows[1::4], rows[2::4]))


def near(numbers, wanted, slack):
    return len(numbers) == len(wanted) and all(
        abs(a - b) <= slack for a, b in zip(numbers, wanted))


def tabs(row, widget):
    """Keys to a widget of a row from anywhere: 0 the switch, 1 the
    text, 2 the format, 3 the strength; the tab begins with the group and a button."""
    return ['alt+i'] + (2 + 4 * row + widget) * ['Tab']


def paint(session, gimp, prompt, stop=False):
    """The request of a new picture, painted to its end or stopped."""
    before = len(jobs(gimp))
    session.tap.check(session.generate(prompt), f'painting begins: {prompt}',
                      session.text())
    until(lambda: len(jobs(gimp)) > before, 20)
    found = jobs(gimp)
    if stop:
        session.key('alt+t')
    until(lambda: not session.painting(), 120)
    time.sleep(0.5)
    session.focus()
    return found[-1] if len(found) > before else {}


def job(tap):
    with Gimp() as gimp:
        gimp.env['G_MESSAGES_DEBUG'] = 'tessera'
        session = Session(gimp, tap, 'Generate', 'instances.scm',
                          PROCEDURE='plug-in-tessera-generate', GROUP=GROUP,
                          WRONG='#f', WIDTH=256, HEIGHT=128)
        session.key('alt+i')
        time.sleep(0.5)
        shoot('instances')
        for text, placed in (('forest', 'Mask'), ('city', 'Box'),
                             ('snow', 'Scribble')):
            tap.check(f'instance “{text}”: {placed}' in session.text(),
                      f'{text} is seen as {placed}', session.text())
        on = until(lambda: n_marked(session.dialog), 5)
        session.key('alt+s')
        time.sleep(1)
        off = n_marked(session.dialog)
        session.key('alt+s')
        tap.check(on > 200 and off == 0, 'outlines come and go', (on, off))

        made = paint(session, gimp, 'meadows')
        shoot('instances-painted')
        things = {one['text']: one for one in made.get('instances', [])}
        tap.check(list(things) == ['snow', 'city', 'forest'],
                  'the job has them all', made)
        tap.check('mask' in things.get('forest', {}), 'the forest has a mask',
                  things)
        tap.check(things.get('city', {}).get('box') == [152, 48, 64, 40]
                  and 'mask' not in things['city'],
                  'the city has a box', things)
        stroke = things.get('snow', {}).get('scribble', [])
        tap.check(near(stroke[:2], (120, 120), 1)
                  and near(stroke[-2:], (240, 100), 1),
                  'the snow has a stroke', stroke)

        session.key(*tabs(2, 1), 'ctrl+a')
        xdo('type', '--delay', '15', 'dark trees')
        session.key('Return', 'Tab', 'Down')
        session.key(*tabs(2, 3), 'ctrl+a')
        xdo('type', '--delay', '15', '40')
        session.key('Return')
        session.key(*tabs(1, 0), 'space')
        session.key(*tabs(0, 1), 'ctrl+a')
        xdo('type', '--delay', '15', 'white ice')
        session.key('Return')
        time.sleep(1)
        shoot('instances-changed')
        made = paint(session, gimp, 'meadows again')
        things = {one['text']: one for one in made.get('instances', [])}
        tap.check(list(things) == ['white ice', 'dark trees'],
                  'a new text, one hidden', made)
        trees = things.get('dark trees', {})
        tap.check('mask' not in trees
                  and near(trees.get('box', []), (16, 40, 96, 64), 2),
                  'another format: the box round it', trees)
        tap.check(trees.get('strength') == 0.4, 'less strength', trees)
        session.key('alt+k')
        time.sleep(1)
        session.key('alt+c')
        until(session.closed, 20)
        tap.check(session.closed(), 'the dialog closes', session.text())
        until(session.layers, 5)
        tap.check(session.layers() == (3, 'dirty'),
                  'the picture lies above the group, not in it',
                  session.layers())
        names = [line[5:] for line in session.text().splitlines()
                 if line.startswith('NAME ')]
        tap.check(names == ['white ice', 'city, hidden',
                            'dark trees', 'white ice, hidden'],
                  'layers and the path are renamed', names)
        session.end()


def dialogs(tap):
    for title, name in (('Panorama', 'panorama'), ('Any Size', 'any-size')):
        with Gimp() as gimp:
            gimp.env['G_MESSAGES_DEBUG'] = 'tessera'
            session = Session(gimp, tap, title, 'instances.scm',
                              PROCEDURE=f'plug-in-tessera-{name}',
                              GROUP=GROUP, WRONG='#t', WIDTH=256, HEIGHT=128)
            session.key('alt+i')
            time.sleep(1)
            shoot(f'instances-{name}')
            log = session.text()
            tap.check('“nothing yet”: Mask, warning: The mask is empty' in log,
                      'an empty mask is told', log)
            tap.check('“a far tower”: Box, warning: Outside' in log,
                      'what lies outside is told', log)
            # Hidden, both are no trouble, and no longer in the keys' way.
            for row in (1, 0):
                session.key(*tabs(row, 0), 'space')
                time.sleep(0.3)
            time.sleep(1)
            shoot(f'instances-{name}-hidden')
            made = paint(session, gimp, 'meadows', stop=True)
            tap.check([one['text'] for one in made.get('instances', [])]
                      == ['snow', 'city', 'forest'],
                      'the job has the others', made)
            session.key('alt+c')
            time.sleep(0.5)
            session.key('alt+c')
            until(session.closed, 20)
            tap.check(session.closed(), 'the dialog closes', session.text())
            session.end()


if __name__ == '__main__':
    sys.exit(run([{'job': job, 'dialogs': dialogs}[sys.argv[1]]]))
