/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A string by pointer and length, as zx_system_get_version_string() returns it. In C++ it converts
 * to std::string_view and can be used like one where only the bytes matter.
 */

#ifndef ZIRCON_STRING_VIEW_H_
#define ZIRCON_STRING_VIEW_H_

#include <stddef.h>
#include <zircon/compiler.h>

#if defined(__cplusplus) && __cplusplus >= 201703L
#include <string_view>
#endif

__BEGIN_CDECLS

typedef struct zx_string_view {
  const char* c_str;
  /* In bytes, without the terminating NUL. */
  size_t length;

#ifdef __cplusplus
  using value_type = char;
  using const_pointer = const char*;
  using size_type = size_t;

  constexpr const_pointer data() const { return c_str; }
  constexpr size_type size() const { return length; }

#if __cplusplus >= 201703L
  constexpr operator std::string_view() const { return std::string_view(c_str, length); }
#endif
#endif
} zx_string_view_t;

__END_CDECLS

#endif  // ZIRCON_STRING_VIEW_H_
