/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a public function's definition carries.
 *
 * Zircon declares and exports every system call twice, `zx_vmo_create` and `_zx_vmo_create`, at the
 * same type and the same address; C and C++ runtimes call the second. Below each definition stands
 * ZXP_TWIN(zx_vmo_create).
 */
#ifndef ZXP_BASE_EXPORT_H_
#define ZXP_BASE_EXPORT_H_

#define ZXP_EXPORT __attribute__((visibility("default")))

#define ZXP_TWIN(name) \
  extern __typeof__(name) _##name __attribute__((alias(#name), visibility("default")))

#endif /* ZXP_BASE_EXPORT_H_ */
