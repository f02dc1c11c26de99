# SPDX-License-Identifier: GPL-3.0-or-later
"""Color profiles for the plug-in tests, made here: one of a space wider than
sRGB, one of ink; and a PNG file that says it has the latter, which it cannot."""
import struct
import zlib

D50 = (0.9642, 1.0, 0.8249)
WIDE = {b'rXYZ': (0.60974, 0.31111, 0.01947),
        b'gXYZ': (0.20528, 0.62567, 0.06087),
        b'bXYZ': (0.14919, 0.06322, 0.74457)}


def fixed(*numbers):
    return b''.join(struct.pack('>i', round(n * 65536)) for n in numbers)


def xyz(numbers):
    return b'XYZ \0\0\0\0' + fixed(*numbers)


def description(text):
    text = text.encode() + b'\0'
    return (b'desc\0\0\0\0' + struct.pack('>I', len(text)) + text
            + bytes(8 + 3 + 67))


def profile(kind, space, connection, tags):
    table, body = b'', b''
    at = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack('>II', at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = (struct.pack('>III', at + len(body), 0, 0x02400000) + kind + space
            + connection + struct.pack('>6H', 2026, 1, 1, 0, 0, 0) + b'acsp'
            + bytes(28) + fixed(*D50))
    return head + bytes(128 - len(head)) + struct.pack('>I', len(tags)) \
        + table + body


def wide():
    """Adobe RGB's primaries."""
    gamma = b'curv\0\0\0\0' + struct.pack('>IH', 1, round(2.2 * 256))
    return profile(b'mntr', b'RGB ', b'XYZ ', {
        b'desc': description('wide'), b'cprt': b'text\0\0\0\0none\0',
        b'wtpt': xyz(D50), **{name: xyz(c) for name, c in WIDE.items()},
        b'rTRC': gamma, b'gTRC': gamma, b'bTRC': gamma})


def table(n_in, n_out, colors):
    """A lut8 of two points along each axis."""
    ramp = bytes(range(256))
    return (b'mft1\0\0\0\0' + bytes([n_in, n_out, 2, 0])
            + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + ramp * n_in
            + bytes(n for color in colors for n in color) + ramp * n_out)


def ink():
    """Four inks that take their light each."""
    to_lab, corners = [], [[i >> 3 & 1, i >> 2 & 1, i >> 1 & 1, i & 1]
                           for i in range(16)]
    for c, m, y, k in corners:
        light = 255 * (1 - 0.3 * c) * (1 - 0.4 * m) * (1 - 0.1 * y) * (1 - k)
        to_lab.append((round(light), 128 - 40 * c + 60 * m, 128 - 40 * c + 80 * y))
    to_ink = [(0, 0, 0, 0 if i & 4 else 255) for i in range(8)]
    return profile(b'prtr', b'CMYK', b'Lab ', {
        b'desc': description('ink'), b'cprt': b'text\0\0\0\0none\0',
        b'wtpt': xyz(D50),
        **{b'A2B%d' % i: table(4, 3, to_lab) for i in range(3)},
        **{b'B2A%d' % i: table(3, 4, to_ink) for i in range(3)}})


def png(width, height, icc):
    """Two colors side by side, with a profile."""
    row = b'\0' + bytes([200, 90, 40]) * (width // 2) \
        + bytes([40, 110, 200]) * (width - width // 2)
    chunks = ((b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)),
              (b'iCCP', b'ink\0\0' + zlib.compress(icc)),
              (b'IDAT', zlib.compress(row * height)), (b'IEND', b''))
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(body)) + kind + body
        + struct.pack('>I', zlib.crc32(kind + body)) for kind, body in chunks)


def of_png(path):
    """The profile that a PNG file has, None: none."""
    data, at = path.read_bytes(), 8
    while at + 8 < len(data):
        size, = struct.unpack('>I', data[at:at + 4])
        if data[at + 4:at + 8] == b'iCCP':
            body = data[at + 8:at + 8 + size]
            return zlib.decompress(body[body.index(b'\0') + 2:])
        at += size + 12
    return None


def write(folder):
    """Names of the script's @NAMES@ and their files."""
    files = {'WIDE': ('wide.icc', wide()), 'INK': ('ink.icc', ink()),
             'CMYK': ('cmyk.png', png(40, 30, ink()))}
    paths = {}
    for key, (name, data) in files.items():
        paths[key] = folder / name
        paths[key].write_bytes(data)
    return paths
