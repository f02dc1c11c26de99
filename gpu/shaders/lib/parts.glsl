/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/parts.glsl: where part @part of @n things in @n_parts parts
 * begins; n_parts is at most n. */
uint
tess_part_begin (uint n, uint n_parts, uint part)
{
  return n / n_parts * part + min (n % n_parts, part);
}
