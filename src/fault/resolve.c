/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault/resolve.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stats.h"
#include "fault/channel_private.h"
#include "fault/handoff.h"
#include "fault/uffd.h"
#include "fault/wakes.h"
#include "vm/aspace.h"
#include "vm/blocked.h"
#include "vm/cow.h"
#include "vm/mapping.h"
#include "vm/page_source.h"
#include "vm/region.h"

enum action {
  WAKE,
  SHOW,
  DIRTY,
  FORK,
  COPY,
  ASK_READ,
  ASK_DIRTY,
  FAIL,
  DROP,
};

static const char* const action_names[] = {
    [WAKE] = "wake",           [SHOW] = "show", [DIRTY] = "dirty",
    [FORK] = "fork",           [COPY] = "copy", [ASK_READ] = "ask READ",
    [ASK_DIRTY] = "ask DIRTY", [FAIL] = "fail", [DROP] = "drop",
};

/* Everything known of one fault. */
struct fault {
  struct zxp_channel* channel;
  uintptr_t address; /* the byte, or its page where the kernel does not say */
  pid_t tid;
  uint64_t seq;  /* of the message */
  uint64_t done; /* the tick after it was read */
  bool writes;
  struct zxp_mapping* mapping;
  struct zxp_pages* pages;
  uint64_t page;             /* of the pages */
  struct zxp_source* source; /* of the root, NULL without a pager */
  uint64_t ask_page;         /* of the root */
  struct zxp_view view;      /* a child: what it shows there */
};

static uintptr_t page_address(uintptr_t address) { return address & ~(uintptr_t)ZXP_PAGE_MASK; }

/* Order of checks as in vmar.md 7: mapping, permission, end, request. */
static enum action decide_locked(struct fault* f) {
  const struct zxp_source* s = f->source;
  const uint64_t mapping_page = f->page - f->mapping->first_page;
  const uint32_t needs = f->writes ? ZX_VM_PERM_WRITE : ZX_VM_PERM_READ;
  /* Execute-only mappings do not exist here, so a fetch is covered by READ. */
  if ((zxp_mapping_perms(f->mapping, mapping_page, NULL) & needs) == 0) {
    return WAKE;
  }
  if (!zxp_mapping_shows_locked(f->mapping, f->page)) {
    /* Where the void stands, the kernel raises the SIGBUS. */
    return f->mapping->whole ? FAIL : WAKE;
  }
  const enum zxp_page_state state = zxp_page_map_get(&f->pages->map, f->page);
  f->ask_page = f->page;
  if (f->pages->source == NULL) {
    if (state == ZXP_PAGE_DIRTY) {
      return f->writes ? DIRTY : SHOW;
    }
    zxp_cow_look_locked(f->pages, f->page, 1, &f->view);
    if (f->view.content == ZXP_CONTENT_ABSENT) {
      f->ask_page = f->view.page;
      return zxp_source_attached_locked(s) ? ASK_READ : FAIL;
    }
    return f->writes ? FORK : COPY;
  }
  if (state == ZXP_PAGE_EMPTY) {
    return zxp_source_attached_locked(s) ? ASK_READ : FAIL;
  }
  if (!f->writes) {
    /* Where the page has memory, the fault and what brought it crossed; SHOW does no harm then. A
     * page that a failed write had made dirty may lack it even when it is clean again. */
    return SHOW;
  }
  if (state == ZXP_PAGE_DIRTY || !s->trap_dirty) {
    return DIRTY;
  }
  return zxp_source_attached_locked(s) ? ASK_DIRTY : FAIL;
}

/* ---- Threads on record ---- */

/* A record of a fault for the source, which keeps one: a fault comes after a fault. */
static struct zxp_blocked* record_new(struct zxp_source* s) {
  struct zxp_blocked* b = s->spare_record;
  s->spare_record = NULL;
  return b != NULL ? b : malloc(sizeof *b); /* calloc() of glibc 2.36 goes past its cache */
}

/* The tree lock of its source is held. */
static void record_free(struct zxp_blocked* b) {
  struct zxp_source* s = b->source;
  zxp_blocked_remove(b);
  free(s->spare_record);
  s->spare_record = b;
}

/*
 * The thread may be on record already. If it waits for this very page, the message is a repetition
 * (it ran a signal handler and touched again) and the record stands. If a later message put it on
 * record, this one is stale: a handler jumped out of that wait. Both: true, nothing is to be done.
 * If it waits elsewhere in this VMO by an earlier message, that record goes. One in another tree is
 * dealt with by leave_elsewhere, since only one tree lock is held here.
 */
static bool already_waits_locked(const struct fault* f, enum zxp_request_kind kind) {
  struct zxp_source* where = NULL;
  struct zxp_blocked* b = zxp_blocked_find(f->tid, &where);
  bool done = false;
  if (b != NULL && where == f->source) {
    done = b->seq > f->seq ||
           (b->kind == kind && b->w.next == f->ask_page && b->channel == f->channel &&
            page_address(b->address) == page_address(f->address));
    if (!done) {
      zxp_request_leave(&where->requests, &b->w);
      record_free(b);
    } else if (b->seq < f->seq) {
      b->seq = f->seq;
      b->done = f->done;
    }
  }
  if (where != NULL) {
    zxp_source_put(where); /* Not the last: its pages hold one. */
  }
  return done;
}

/* Takes a record of this thread out that another VMO holds by an earlier message; no lock held. */
static void leave_elsewhere(pid_t tid, uint64_t seq, const struct zxp_source* here) {
  struct zxp_source* where = NULL;
  struct zxp_blocked* b = zxp_blocked_find(tid, &where);
  if (b != NULL && where != here) {
    zxp_biased_lock(&where->tree->lock);
    struct zxp_source* again = NULL;
    b = zxp_blocked_find(tid, &again);
    if (b != NULL && again == where && b->seq < seq) {
      zxp_request_leave(&where->requests, &b->w);
      record_free(b);
    }
    zxp_biased_unlock(&where->tree->lock);
    if (again != NULL) {
      zxp_source_put(again);
    }
  }
  if (where != NULL) {
    zxp_source_put(where);
  }
}

/* Asks, with the thread on record as the waiter. */
static void ask_locked(const struct fault* f, enum zxp_request_kind kind) {
  struct zxp_source* s = f->source;
  if (already_waits_locked(f, kind)) {
    return;
  }
  struct zxp_blocked* b = record_new(s);
  if (b == NULL) {
    /* It touches again, and the next message may find memory. */
    zxp_uffd_wake(f->channel->uffd, page_address(f->address), ZXP_PAGE_SIZE);
    return;
  }
  *b = (struct zxp_blocked){0};
  zxp_waiter_init(&b->w, false);
  b->w.eager = true;
  zxp_list_init(&b->link);
  b->source = s;
  b->tid = f->tid;
  b->seq = f->seq;
  b->done = f->done;
  b->since = zxp_clock_coarse();
  b->kind = kind;
  b->address = f->address;
  b->channel = f->channel;
  b->writes = f->writes;
  zxp_blocked_add(b);
  if (zxp_request_ask(&s->requests, kind, &b->w, f->ask_page, 1) != ZX_OK) {
    record_free(b);
    zxp_uffd_wake(f->channel->uffd, page_address(f->address), ZXP_PAGE_SIZE);
  }
}

/*
 * Whether the thread is still in the wait that the message tells of. It may not be if the page was
 * woken since, if it was raised in, if the mapping is a newer one, or if the pager has gone only
 * since. Then it is not put on record, nor raised in; woken, it says so again if it is still there.
 */
static enum zxp_wait still_waits_locked(const struct fault* f, enum action action) {
  if (zxp_raised_since(f->tid, f->seq) || f->seq < f->mapping->made_seq ||
      (action == FAIL && f->source != NULL && f->seq < f->source->ended_seq)) {
    return ZXP_WAIT_UNKNOWN;
  }
  return zxp_wakes_look(f->address, f->seq, f->done);
}

/* ---- Doing it ---- */

/* Lets stores through this mapping at the page go; wakes. The page is DIRTY. */
static void unprotect_locked(struct zxp_pages* pages, uint64_t page, struct zxp_channel* channel,
                             uintptr_t address) {
  if (pages->source != NULL) {
    pages->source->modified = true;
  }
  zxp_cow_changing_locked(pages, page, 1);
  zxp_uffd_protect(channel->uffd, page_address(address), ZXP_PAGE_SIZE, false);
}

static void dirty_locked(const struct fault* f) {
  struct zxp_pages* pages = f->pages;
  const enum zxp_page_state state = zxp_page_map_get(&pages->map, f->page);
  if (state != ZXP_PAGE_DIRTY) {
    /* Memory first, protected everywhere: other mappings learn of the state by faulting themselves.
     * A supplied page has both. */
    if ((state != ZXP_PAGE_CLEAN && zxp_pages_materialize_locked(pages, f->page) != ZX_OK) ||
        zxp_page_map_set(&pages->map, f->page, 1, ZXP_PAGE_DIRTY) != ZX_OK) {
      zxp_uffd_wake(f->channel->uffd, page_address(f->address), ZXP_PAGE_SIZE);
      return;
    }
    ZXP_COUNT(dirtied_pages, 1);
  } else {
    /* It may have no memory yet: a call made it so, and has yet to write. */
    zxp_pages_materialize_locked(pages, f->page);
  }
  unprotect_locked(pages, f->page, f->channel, f->address);
}

static void act_locked(const struct fault* f, enum action action) {
  switch (action) {
    case SHOW:
      /* The page has memory in nearly every case; reading it costs less than finding out. */
      zxp_pages_materialize_locked(f->pages, f->page);
      zxp_uffd_wake(f->channel->uffd, page_address(f->address), ZXP_PAGE_SIZE);
      break;
    case DIRTY:
      dirty_locked(f);
      break;
    case FORK:
      if (zxp_cow_fork_locked(f->pages, f->page, true) == ZX_OK) {
        unprotect_locked(f->pages, f->page, f->channel, f->address);
      } else {
        zxp_uffd_wake(f->channel->uffd, page_address(f->address), ZXP_PAGE_SIZE);
      }
      break;
    case COPY:
      zxp_cow_show_locked(f->pages, f->page, &f->view);
      zxp_uffd_wake(f->channel->uffd, page_address(f->address), ZXP_PAGE_SIZE);
      break;
    case ASK_READ:
      ask_locked(f, ZXP_REQUEST_READ);
      return;
    case ASK_DIRTY:
      ask_locked(f, ZXP_REQUEST_DIRTY);
      return;
    case FAIL:
      ZXP_COUNT(failed, 1);
      zxp_raise_bus_error(f->pages, f->channel, f->tid, f->address);
      break;
    case WAKE:
      zxp_uffd_wake(f->channel->uffd, page_address(f->address), ZXP_PAGE_SIZE);
      break;
    case DROP:
      break;
  }
  ZXP_COUNT(faults_local, 1);
}

void zxp_fault_resolve(struct zxp_channel* channel, uintptr_t address, uint64_t flags, pid_t tid,
                       uint64_t seq, uint64_t done) {
  struct fault f = {
      .channel = channel,
      .address = address,
      .tid = tid,
      .seq = seq,
      .done = done,
      .writes = (flags & (UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP)) != 0,
  };
  const struct zxp_source* here = NULL;
  const bool on_record = tid != 0 && zxp_blocked_maybe(tid);
  zxp_rwlock_read(&zxp_aspace.lock);
  f.mapping = zxp_region_find_mapping_locked(address);
  f.pages = f.mapping != NULL ? f.mapping->pages : NULL;
  if (f.pages != NULL) {
    zxp_pages_lock(f.pages);
  }
  if (f.pages == NULL || f.mapping->channel != channel) {
    /* Unmapped, or mapped anew by something else, since the message was sent. */
    if (f.pages != NULL) {
      zxp_pages_unlock(f.pages);
    }
    zxp_rwlock_unlock(&zxp_aspace.lock);
    zxp_uffd_wake(channel->uffd, page_address(address), ZXP_PAGE_SIZE);
    ZXP_COUNT(faults_local, 1);
    return;
  }
  f.page = f.mapping->first_page + ((address - f.mapping->base) >> ZXP_PAGE_SHIFT);
  f.source = zxp_pages_root_source(f.pages);
  here = f.source;
  enum action action = decide_locked(&f);
  if (action == ASK_READ || action == ASK_DIRTY || action == FAIL) {
    const enum zxp_wait wait = still_waits_locked(&f, action);
    if (wait != ZXP_WAIT_ON) {
      action = wait == ZXP_WAIT_OVER ? DROP : WAKE;
    }
  }
  ZXP_LOG(ZXP_TOPIC_FAULT, 3, "thread %d %s %p, page %llu: %s", tid, f.writes ? "writes" : "reads",
          (void*)address, (unsigned long long)f.page, action_names[action]);
  if ((action == ASK_READ || action == ASK_DIRTY) &&
      atomic_load_explicit(&channel->main->loop_tid, memory_order_relaxed) == tid) {
    /* Nobody else takes this port's packets, so nobody would ever answer. */
    ZXP_LOG(ZXP_TOPIC_FAULT, 1, "thread %d serves the pager of %p and touched it: SIGBUS", tid,
            (void*)address);
    act_locked(&f, FAIL);
  } else {
    act_locked(&f, action);
  }
  zxp_pages_unlock(f.pages);
  zxp_rwlock_unlock(&zxp_aspace.lock);
  if (on_record) {
    leave_elsewhere(tid, seq, here);
  }
}

/* ---- Released by an answer: called under the tree lock, see vm/page_source.h ---- */

void zxp_fault_release(struct zxp_source* s, struct zxp_blocked* b, zx_status_t status) {
  struct zxp_channel* c = b->channel;
  ZXP_ASSERT_HELD(&s->tree->lock);
  if (status != ZX_OK && (zxp_raised_since(b->tid, b->seq) || s->pages == NULL ||
                          zxp_wakes_look(b->address, b->seq, b->done) != ZXP_WAIT_ON ||
                          zxp_mapping_in_tree_locked(s->pages, b->address, c) == NULL)) {
    /* It is elsewhere, or meets a hole, or whatever is mapped there now (8.7). */
    zxp_uffd_wake(c->uffd, page_address(b->address), ZXP_PAGE_SIZE);
  } else if (status != ZX_OK) {
    zxp_raise_bus_error(s->pages, c, b->tid, b->address);
  } else if (s->woken_channel == c && b->address >= s->woken_from && b->address < s->woken_to) {
    /* The answer installed the page under it. */
  } else {
    struct zxp_mapping* m = NULL;
    if (b->kind == ZXP_REQUEST_DIRTY && s->pages != NULL) {
      m = zxp_mapping_at_locked(s->pages, b->address, c);
    }
    const uint64_t page =
        m == NULL ? 0 : m->first_page + ((b->address - m->base) >> ZXP_PAGE_SHIFT);
    if (m != NULL && page < s->pages->size >> ZXP_PAGE_SHIFT &&
        zxp_page_map_get(&s->pages->map, page) == ZXP_PAGE_DIRTY) {
      /* Where a call made it so and has yet to give it memory, the thread faults once more. */
      zxp_handoff_begin();
      unprotect_locked(s->pages, page, c, b->address);
      zxp_handoff_end();
    } else {
      zxp_uffd_wake(c->uffd, page_address(b->address), ZXP_PAGE_SIZE);
    }
  }
  record_free(b);
}
