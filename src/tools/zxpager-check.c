/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zxpager-check: says whether page faults can be served on this machine, by which way, what
 * follows, and what to change where they can't. Exit status 0: they can; 77: they can't; 1: nothing
 * could be found out.
 */
#include <stdio.h>
#include <string.h>
#include <zircon/status.h>
#include <zircon/zxpager.h>

static const char* mode_name(zxp_fault_mode_t mode) {
  switch (mode) {
    case ZXP_FAULT_MODE_DEVICE:
      return "/dev/userfaultfd";
    case ZXP_FAULT_MODE_SYSCALL:
      return "userfaultfd(2)";
    case ZXP_FAULT_MODE_USER_ONLY:
      return "userfaultfd(2), faults from user code only";
    default:
      return "none";
  }
}

/* Which ways were refused, and why; a way that is not listed works or was not needed. */
static void print_refusal(const char* way, int32_t error) {
  if (error != 0) {
    printf("  refused: %-34s %s\n", way, strerror(error));
  }
}

static void print_feature(const char* what, const char* since, uint32_t there) {
  printf("  %-3s  %-46s Linux %s\n", there ? "yes" : "no", what, since);
}

static void print_features(const zxp_probe_t* p) {
  if (p->mode == ZXP_FAULT_MODE_NONE) {
    printf("the kernel can't be asked what it has\n");
    return;
  }
  printf("the kernel has:\n");
  print_feature("write protection and markers on shared memory", "5.19", p->write_protect_shared);
  print_feature("the thread in each message", "4.14", p->thread_id);
  print_feature("the exact address in each message", "5.18", p->exact_address);
  print_feature("UFFDIO_POISON", "6.6", p->poison);
  print_feature("UFFD_FEATURE_WP_ASYNC", "6.7", p->write_protect_async);
  printf("  feature bits %#llx\n", (unsigned long long)p->features);
}

static void print_consequence(const char* what, uint32_t holds) {
  printf("  %-3s  %s\n", holds ? "yes" : "no", what);
}

int main(void) {
  zxp_probe_t p;
  const zx_status_t st = zxp_probe(&p);
  if (st != ZX_OK) {
    fprintf(stderr, "zxpager-check: %s\n", zx_status_get_string(st));
    return 1;
  }

  printf("page faults arrive by:  %s\n", mode_name(p.mode));
  print_refusal("/dev/userfaultfd", p.device_errno);
  print_refusal("userfaultfd(2)", p.syscall_errno);
  print_refusal("userfaultfd(2), user code only", p.user_only_errno);

  print_features(&p);

  printf("so:\n");
  print_consequence("calls on VMOs, pagers and ports work", 1);
  print_consequence("VMOs of a pager can be mapped", p.mappings_supported);
  print_consequence("system calls may touch absent pages of such mappings", p.kernel_faults_served);
  print_consequence("stores to VMOs without dirty trap stop no thread", p.async_stores);
  if (p.window_size != 0) {
    const unsigned long long from = p.window_base;
    printf("mappings go to:  %#llx to %#llx\n", from, from + p.window_size);
  }
  if (p.advice[0] != '\0') {
    printf("%s\n", p.advice);
  }
  return p.mappings_supported ? 0 : 77;
}
