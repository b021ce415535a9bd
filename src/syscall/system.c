/* SPDX-License-Identifier: BSD-3-Clause */
/* What machine this is: docs/semantics/objects.md 12. */
#include <pthread.h>
#include <unistd.h>
#include <zircon/features.h>
#include <zircon/syscalls.h>

#include "base/export.h"
#include "base/user.h"
#include "object/handle.h"

/* Asked once, since each answer must stay the same for the life of the process, whatever is plugged
 * in or taken offline. */
static pthread_once_t asked = PTHREAD_ONCE_INIT;
static struct {
  uint32_t page_size;
  uint32_t cpus;
  uint32_t cache_line;
  uint64_t memory;
} answers;

static void ask(void) {
  const long page = sysconf(_SC_PAGESIZE);
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  const long pages = sysconf(_SC_PHYS_PAGES);
  long line = -1;
#ifdef _SC_LEVEL1_DCACHE_LINESIZE
  line = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);
#endif
  answers.page_size = (uint32_t)page;
  answers.cpus = cpus > 0 ? (uint32_t)cpus : 1;
  answers.memory = pages > 0 ? (uint64_t)pages * (uint64_t)page : 0;
  /* Some machines do not say; 64 is what nearly all of those have. */
  answers.cache_line = line > 0 ? (uint32_t)line : 64;
}

ZXP_EXPORT uint32_t zx_system_get_page_size(void) {
  pthread_once(&asked, ask);
  return answers.page_size;
}
ZXP_TWIN(zx_system_get_page_size);

ZXP_EXPORT uint32_t zx_system_get_num_cpus(void) {
  pthread_once(&asked, ask);
  return answers.cpus;
}
ZXP_TWIN(zx_system_get_num_cpus);

ZXP_EXPORT uint64_t zx_system_get_physmem(void) {
  pthread_once(&asked, ask);
  return answers.memory;
}
ZXP_TWIN(zx_system_get_physmem);

ZXP_EXPORT uint32_t zx_system_get_dcache_line_size(void) {
  pthread_once(&asked, ask);
  return answers.cache_line;
}
ZXP_TWIN(zx_system_get_dcache_line_size);

ZXP_EXPORT zx_string_view_t zx_system_get_version_string(void) {
  static const char version[] = "zxpager-" ZXP_VERSION;
  return (zx_string_view_t){.c_str = version, .length = sizeof version - 1};
}
ZXP_TWIN(zx_system_get_version_string);

ZXP_EXPORT zx_status_t zx_system_get_features(uint32_t kind, uint32_t* features) {
  uint32_t bits = 0;
  switch (kind) {
    case ZX_FEATURE_KIND_CPU:
      bits = ZX_HAS_CPU_FEATURES;
      break;
    case ZX_FEATURE_KIND_HW_BREAKPOINT_COUNT:
    case ZX_FEATURE_KIND_HW_WATCHPOINT_COUNT:
      /* Linux keeps these to debuggers: a program has none. */
    case ZX_FEATURE_KIND_ADDRESS_TAGGING:
    case ZX_FEATURE_KIND_VM:
      break;
    default:
      return ZX_ERR_NOT_SUPPORTED;
  }
  return features == NULL ? ZX_ERR_INVALID_ARGS
                          : zxp_user_copy_out(features, &bits, sizeof bits, NULL);
}
ZXP_TWIN(zx_system_get_features);

/* There are no jobs in one Linux process, so a good handle is always one to something else. */
ZXP_EXPORT zx_status_t zx_system_get_event(zx_handle_t root_job, uint32_t kind,
                                           zx_handle_t* event) {
  struct zxp_object* object;
  (void)kind;
  (void)event;
  const zx_status_t st =
      zxp_handle_get(root_job, ZX_OBJ_TYPE_JOB, ZX_RIGHT_MANAGE_PROCESS, &object, NULL);
  ZXP_ASSERT(st != ZX_OK);
  return st;
}
ZXP_TWIN(zx_system_get_event);

ZXP_EXPORT zx_status_t zx_cache_flush(const void* addr, size_t size, uint32_t options) {
  const uint32_t known = ZX_CACHE_FLUSH_INSN | ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INVALIDATE;
  if ((options & ~known) != 0 || (options & (ZX_CACHE_FLUSH_INSN | ZX_CACHE_FLUSH_DATA)) == 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  if ((options & ZX_CACHE_FLUSH_INVALIDATE) != 0 && (options & ZX_CACHE_FLUSH_DATA) == 0) {
    return ZX_ERR_INVALID_ARGS;
  }
  if ((options & ZX_CACHE_FLUSH_INSN) != 0) {
    char* const begin = (char*)(uintptr_t)addr;
    __builtin___clear_cache(begin, begin + size);
  }
  /* Data: every other reader is a thread of this process, to whom caches are coherent. */
  return ZX_OK;
}
ZXP_TWIN(zx_cache_flush);
