/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pager of filepager --write: a resizable VMO with ZX_VMO_TRAP_DIRTY that shows a file.
 *
 * READ requests are answered from the file by uv_fs_read, DIRTY requests at once: a filesystem
 * would reserve space for the pages first, and fail the request where there is none. What has
 * become dirty is the affair of writeback.h.
 *
 * A read that is on its way while the file changes may bring back what was there before. It could
 * be put into a page that was written back, cleaned and given up meanwhile. So whoever changes the
 * file counts store.changes up, and a read that finds it changed is made again.
 *
 * Everything runs on the loop's thread.
 */
#ifndef EXAMPLES_FILEPAGER_STORE_H_
#define EXAMPLES_FILEPAGER_STORE_H_

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include <zircon/zxpager-uv.h>

struct store {
  uv_loop_t* loop;
  uv_file fd;
  zxp_uv_pager_t pager;
  zxp_uv_vmo_t vmo;
  zx_handle_t handle;   /* of the VMO that shows the file */
  zx_handle_t transfer; /* pages on their way into it */
  uint64_t changes;     /* how often the file was changed; whoever does it counts */

  uint64_t read_requests;
  uint64_t dirty_requests;
  uint64_t reads;
  uint64_t repeated_reads; /* since the file had changed */
  uint64_t failed_reads;
  const char* problem; /* NULL: the library took every answer */
  bool complete;       /* the VMO said goodbye */
};

/* Makes pager and VMO. `size` in bytes, as that of the file. */
zx_status_t store_start(struct store* s, uv_loop_t* loop, uv_file fd, uint64_t size);

/* Starts to close the pager; the VMO handle goes at once. */
void store_close(struct store* s);

#endif /* EXAMPLES_FILEPAGER_STORE_H_ */
