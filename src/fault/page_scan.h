/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which pages were stored to, where the kernel lifts write protection by itself (PAGEMAP_SCAN,
 * Linux 6.7, on areas registered with a userfaultfd that has UFFD_FEATURE_WP_ASYNC).
 *
 * A page of such an area is in one of three conditions:
 *
 *   protected   nobody has stored to it since it was protected; its page-table entry, or the marker
 *               in place of one, says so
 *   WRITTEN     it has an entry without protection
 *   UNMAPPED    it has no entry: it was never protected, or it was written and the kernel has taken
 *               the entry away since (reclaim, MADV_DONTNEED), which leaves a marker only where a
 *               page was protected
 *
 * Taking protects again what is reported, page by page in one step with looking, so no store falls
 * in between.
 *
 * No locks; the areas must stay what they are meanwhile.
 */
#ifndef ZXP_FAULT_PAGE_SCAN_H_
#define ZXP_FAULT_PAGE_SCAN_H_

#include <stdbool.h>
#include <stdint.h>

enum zxp_scan_result {
  ZXP_SCAN_WRITTEN,
  ZXP_SCAN_UNMAPPED, /* TAKE_ALL: whether it is protected now depends on the kernel */
};

typedef void zxp_scan_visit(void* context, uintptr_t address, uint64_t length,
                            enum zxp_scan_result what);

/* Whether the kernel can be asked. */
bool zxp_scan_possible(void);

/* Before the first scan: opens what it needs, which stays open. Not before the process has objects,
 * since a child that it forks until then may have its own. False: out of descriptors. */
bool zxp_scan_begin(void);

enum zxp_scan_kind {
  ZXP_SCAN_LOOK, /* reports, and changes nothing */
  ZXP_SCAN_TAKE, /* protects the written pages */
  /* In one system call. Protects, as a rule, the unmapped pages too, which needs page tables for
   * all of them: for ranges that are short or about to have pages. */
  ZXP_SCAN_TAKE_ALL,
};

/* Reports what is written or unmapped in the range: as written first, then as unmapped, but for
 * TAKE_ALL, which goes by address. What it costs depends on the entries and markers there are. */
void zxp_scan(uintptr_t address, uint64_t length, enum zxp_scan_kind kind, zxp_scan_visit* visit,
              void* context);

#endif /* ZXP_FAULT_PAGE_SCAN_H_ */
