/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pager of the example: answers page requests with what it reads from a file.
 *
 * The file is served in clusters of some pages. A request for any page of a cluster starts one
 * asynchronous uv_fs_read of the whole cluster, straight into a slot of a transfer VMO; when it has
 * arrived, zxp_uv_vmo_supply moves the pages from the slot to the file's VMO, which wakes every
 * thread that waits for one of them. As many reads are in flight as there are slots; other clusters
 * queue up.
 *
 * Everything runs on the loop's thread, but for server_has_page.
 */
#ifndef EXAMPLES_FILEPAGER_SERVER_H_
#define EXAMPLES_FILEPAGER_SERVER_H_

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include <zircon/zxpager-uv.h>

#include "latency.h"

#define PAGE_SIZE_BYTES 4096u

/* Reads in flight. libuv's thread pool has four threads unless told otherwise; some more keep it
 * busy. */
#define SERVER_SLOTS 16

enum cluster_state {
  CLUSTER_ABSENT,
  CLUSTER_QUEUED,
  CLUSTER_READING,
  CLUSTER_PRESENT
};

struct server;

/* One part of the transfer VMO, and the read that fills it. */
struct slot {
  struct server* server;
  uv_fs_t request;
  uint64_t cluster;
  bool busy;
};

struct server {
  uv_loop_t* loop;
  uv_file fd;
  uint64_t file_size;
  uint64_t pages;
  uint64_t cluster_size; /* bytes */
  uint64_t clusters;
  uint64_t fail_every; /* every so many requests one is failed; 0: none */

  zxp_uv_pager_t pager;
  zxp_uv_vmo_t vmo;
  zx_handle_t handle; /* of the VMO that shows the file */

  zx_handle_t transfer;
  zx_vaddr_t transfer_address;
  struct slot slots[SERVER_SLOTS];

  _Atomic unsigned char*
      states;         /* enum cluster_state of each cluster; written by the loop's thread */
  uint64_t* asked_at; /* when each cluster was first asked for */
  uint64_t* queue;    /* clusters that wait for a slot: a ring with room for all */
  uint64_t queue_head;
  uint64_t queue_length;

  uint64_t requests;
  uint64_t failed_requests; /* on purpose */
  uint64_t reads;
  uint64_t read_errors;
  uint64_t pages_supplied;
  struct latency answers; /* from the first request for a cluster to its supply */
  bool complete;          /* the VMO said goodbye */
};

/* Makes pager, VMO and transfer buffer. `file_size` is above 0. */
zx_status_t server_start(struct server* s, uv_loop_t* loop, uv_file fd, uint64_t file_size,
                         uint64_t cluster_size, uint64_t fail_every);

/* Starts to close the pager; the VMO handle and the transfer buffer go at once. */
void server_close(struct server* s);

/* After the loop has ended. */
void server_free(struct server* s);

/* Whether the page has been supplied. Any thread. */
bool server_has_page(const struct server* s, uint64_t page);

#endif /* EXAMPLES_FILEPAGER_SERVER_H_ */
