/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * API levels. On Fuchsia a declaration says since which level it exists, and the compiler holds a
 * program to the level that it is built for. Here everything is there at all times: the marks
 * expand to nothing, and the comparisons answer for __Fuchsia_API_level__ or, where the build does
 * not define it, for the newest level.
 */

#ifndef ZIRCON_AVAILABILITY_H_
#define ZIRCON_AVAILABILITY_H_

#define ZX_AVAILABLE_SINCE(level)
#define ZX_DEPRECATED_SINCE(added, deprecated, message)
#define ZX_REMOVED_SINCE(added, deprecated, removed, message)

/*
 * A level is a number or one of the names NEXT, HEAD and PLATFORM, which come after every number.
 * To tell them apart the suffix of an integer is pasted on: a number stays one, and a name becomes
 * one of these macros.
 */
#define NEXTULL     4291821568ULL
#define HEADULL     4292870144ULL
#define PLATFORMULL 4293918720ULL

#ifdef __Fuchsia_API_level__
#define __ZX_API_LEVEL __Fuchsia_API_level__
#else
#define __ZX_API_LEVEL HEADULL
#endif

/* For #if: whether the level that the program is built for is at least, below, or up to another. */
#define FUCHSIA_API_LEVEL_AT_LEAST(level)  (__ZX_API_LEVEL >= level##ULL)
#define FUCHSIA_API_LEVEL_LESS_THAN(level) (__ZX_API_LEVEL < level##ULL)
#define FUCHSIA_API_LEVEL_AT_MOST(level)   (__ZX_API_LEVEL <= level##ULL)

#endif  // ZIRCON_AVAILABILITY_H_
