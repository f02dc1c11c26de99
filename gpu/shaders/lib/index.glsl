/* SPDX-License-Identifier: GPL-3.0-or-later
 * gpu/shaders/lib/index.glsl: the number of a thread or group that
 * tess_gpu_groups_1d laid out along x and y. */
uint
tess_group ()
{
  return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
}

uint
tess_thread ()
{
  return tess_group () * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
}
