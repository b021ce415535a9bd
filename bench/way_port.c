/* SPDX-License-Identifier: BSD-3-Clause */
/* The library, answered by a thread of the program's that waits in zx_port_wait. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/port.h>

#include "way.h"
#include "way_vmo.h"

/* Packets of no VMO: the thread is to end. */
#define STOP_KEY UINT64_MAX

struct port {
  struct way way;
  zx_handle_t port;
  zx_handle_t pager;
  zx_handle_t* vmos; /* by memory, which is the key of its packets */
  zx_vaddr_t* addresses;
  struct way_transfer transfer;
  pthread_t thread;
  sem_t completed; /* posted for each VMO that has gone */
};

static void* port_main(void* argument) {
  struct port* p = argument;
  if (p->way.setup.before != NULL) {
    p->way.setup.before();
  }
  for (;;) {
    zx_port_packet_t packet;
    way_check(zx_port_wait(p->port, ZX_TIME_INFINITE, &packet), "zx_port_wait");
    if (packet.key == STOP_KEY) {
      return NULL;
    }
    if (packet.page_request.command == ZX_PAGER_VMO_READ) {
      way_answer(&p->way, &p->transfer, p->pager, p->vmos[packet.key], packet.page_request.offset);
    } else {
      sem_post(&p->completed);
    }
  }
}

static bool start(struct way* way) {
  struct port* p = (struct port*)way;
  way_check(zx_port_create(0, &p->port), "zx_port_create");
  way_check(zx_pager_create(0, &p->pager), "zx_pager_create");
  p->vmos = calloc(way->setup.memories, sizeof *p->vmos);
  p->addresses = calloc(way->setup.memories, sizeof *p->addresses);
  way_must(p->vmos != NULL && p->addresses != NULL, "calloc");
  way_transfer_init(&p->transfer, way->setup.answer);
  sem_init(&p->completed, 0, 0);
  way_must(pthread_create(&p->thread, NULL, port_main, p) == 0, "pthread_create");
  return true;
}

static const unsigned char* begin(struct way* way, size_t memory) {
  struct port* p = (struct port*)way;
  way_check(zx_pager_create_vmo(p->pager, 0, p->port, memory, way->setup.pages * WAY_PAGE,
                                &p->vmos[memory]),
            "zx_pager_create_vmo");
  p->addresses[memory] = way_map(p->vmos[memory], way->setup.pages);
  return (const unsigned char*)p->addresses[memory];
}

static void end(struct way* way, size_t memory) {
  struct port* p = (struct port*)way;
  way_unmap(p->addresses[memory], way->setup.pages);
  way_check(zx_handle_close(p->vmos[memory]), "zx_handle_close");
  way_wait(&p->completed); /* and whatever of it was left to the thread is not measured */
}

static void stop(struct way* way) {
  struct port* p = (struct port*)way;
  const zx_port_packet_t packet = {.key = STOP_KEY, .type = ZX_PKT_TYPE_USER};
  way_check(zx_port_queue(p->port, &packet), "zx_port_queue");
  pthread_join(p->thread, NULL);
  way_transfer_free(&p->transfer);
  zx_handle_close(p->pager);
  zx_handle_close(p->port);
  sem_destroy(&p->completed);
  free(p->vmos);
  free(p->addresses);
}

const struct way_type way_port = {.name = "zx_port_wait",
                                  .size = sizeof(struct port),
                                  .start = start,
                                  .begin = begin,
                                  .end = end,
                                  .stop = stop};
