/* SPDX-License-Identifier: BSD-3-Clause */
#include "object/handle.h"

#include <assert.h>
#include <sched.h>

#include "base/user.h"
#include "object/process.h"

/*
 * A handle value:
 *
 *   31        20 19            2 1 0
 *   generation   slot number     1 1
 *
 * A slot's word:
 *
 *   63         32 31  14 13           2   1      0
 *   rights        unused generation   live   locked
 *
 *   FREE (live 0) -> LIVE    publish: install, duplicate
 *   LIVE -> FREE             kill: close; the generation moves on
 *   LIVE -> LIVE             replace: the generation moves on, rights change
 * The generation is that of the value in use, or of the next one to be given out.
 */
#define INDEX_BITS       18
#define INDEX_SHIFT      2
#define GENERATION_BITS  12
#define GENERATION_MASK  ((1u << GENERATION_BITS) - 1)
#define GENERATION_SHIFT (INDEX_SHIFT + INDEX_BITS)

static_assert(ZXP_HANDLE_MAX == 1u << INDEX_BITS, "a slot for every index");
static_assert(GENERATION_SHIFT + GENERATION_BITS == 32, "a value has 32 bits");

#define WORD_LOCKED           ((uint64_t)1)
#define WORD_LIVE             ((uint64_t)2)
#define WORD_GENERATION_SHIFT 2
#define WORD_RIGHTS_SHIFT     32

/* Freed slots wait in a queue this long before one is used again, so that a stale value stays dead
 * for about 256 * 4096 creations and not for 4096. */
#define MIN_FREE 256u

#define NO_SLOT UINT32_MAX

/* (L) the slot's own lock bit  (A) atomic  (T) table lock */
struct slot {
  _Atomic uint64_t word; /* (A) */
  union {
    struct zxp_object* object; /* (L) while live; the slot owns a reference */
    uint32_t next_free;        /* (T) while queued as free */
  };
};

/* 4 MiB of address space; pages that no handle has used yet take no memory. */
static struct slot slots[ZXP_HANDLE_MAX];

static struct {
  struct zxp_mutex lock;
  uint32_t fresh;     /* (T) slots from here on have never been used */
  uint32_t free_head; /* (T) oldest freed slot */
  uint32_t free_tail; /* (T) */
  uint32_t free_count;
} table = {
    .lock = ZXP_MUTEX_INITIALIZER(ZXP_RANK_TABLE),
    .free_head = NO_SLOT,
    .free_tail = NO_SLOT,
};

static uint32_t word_generation(uint64_t word) {
  return (uint32_t)(word >> WORD_GENERATION_SHIFT) & GENERATION_MASK;
}

static zx_rights_t word_rights(uint64_t word) { return (zx_rights_t)(word >> WORD_RIGHTS_SHIFT); }

static uint64_t make_word(uint32_t generation, bool live, zx_rights_t rights) {
  return (uint64_t)rights << WORD_RIGHTS_SHIFT |
         (uint64_t)(generation & GENERATION_MASK) << WORD_GENERATION_SHIFT | (live ? WORD_LIVE : 0);
}

static zx_handle_t make_value(uint32_t index, uint32_t generation) {
  return (zx_handle_t)((generation & GENERATION_MASK) << GENERATION_SHIFT | index << INDEX_SHIFT |
                       ZX_HANDLE_FIXED_BITS_MASK);
}

static uint32_t value_index(zx_handle_t handle) {
  return (handle >> INDEX_SHIFT) & (ZXP_HANDLE_MAX - 1);
}

static uint32_t value_generation(zx_handle_t handle) { return handle >> GENERATION_SHIFT; }

/* ---- Free slots ---- */

/* NO_SLOT if all are live. */
static uint32_t slot_alloc(void) {
  uint32_t index = NO_SLOT;
  zxp_mutex_lock(&table.lock);
  if (table.free_count < MIN_FREE && table.fresh < ZXP_HANDLE_MAX) {
    index = table.fresh++;
    /* Spread, so that small numbers and a neighbour's value are not live handles by accident. */
    const uint32_t generation = (index + 1) * 2654435761u >> (32 - GENERATION_BITS);
    atomic_store_explicit(&slots[index].word, make_word(generation, false, 0),
                          memory_order_relaxed);
  } else if (table.free_count > 0) {
    index = table.free_head;
    table.free_head = slots[index].next_free;
    table.free_count--;
    if (table.free_count == 0) {
      table.free_tail = NO_SLOT;
    }
  }
  zxp_mutex_unlock(&table.lock);
  return index;
}

static void slot_free(uint32_t index) {
  zxp_mutex_lock(&table.lock);
  slots[index].next_free = NO_SLOT;
  if (table.free_count == 0) {
    table.free_head = index;
  } else {
    slots[table.free_tail].next_free = index;
  }
  table.free_tail = index;
  table.free_count++;
  zxp_mutex_unlock(&table.lock);
}

/* Gives the slot its object, whose reference the slot takes over, and makes the value live. */
static zx_handle_t slot_publish(uint32_t index, struct zxp_object* object, zx_rights_t rights) {
  struct slot* slot = &slots[index];
  const uint32_t generation =
      word_generation(atomic_load_explicit(&slot->word, memory_order_relaxed));
  slot->object = object;
  /* Pairs with the acquire in slot_lock: who sees the value live sees the object. */
  atomic_store_explicit(&slot->word, make_word(generation, true, rights), memory_order_release);
  return make_value(index, generation);
}

/* ---- Live slots ---- */

static bool word_matches(uint64_t word, zx_handle_t handle) {
  return (word & WORD_LIVE) != 0 && word_generation(word) == value_generation(handle);
}

/*
 * Locks the slot of a live handle; NULL if it is not one. `*word` is the slot's word without the
 * lock bit. The lock is held for a few instructions only, so waiting for it is spinning.
 */
static struct slot* slot_lock(zx_handle_t handle, uint64_t* word) {
  if (zxp_process_is_fork() || (handle & ZX_HANDLE_FIXED_BITS_MASK) != ZX_HANDLE_FIXED_BITS_MASK) {
    return NULL;
  }
  struct slot* slot = &slots[value_index(handle)];
  uint64_t now = atomic_load_explicit(&slot->word, memory_order_relaxed);
  for (unsigned spins = 0;; spins++) {
    if (!word_matches(now, handle)) {
      return NULL;
    }
    now &= ~WORD_LOCKED;
    if (atomic_compare_exchange_weak_explicit(&slot->word, &now, now | WORD_LOCKED,
                                              memory_order_acquire, memory_order_relaxed)) {
      *word = now;
      return slot;
    }
    if (spins >= 64) {
      sched_yield(); /* the holder lost its processor */
    }
  }
}

static void slot_unlock(struct slot* slot, uint64_t word) {
  ZXP_DEBUG_ASSERT((word & WORD_LOCKED) == 0);
  atomic_store_explicit(&slot->word, word, memory_order_release);
}

bool zxp_handle_is_live(zx_handle_t handle, const struct zxp_object* object) {
  uint64_t word;
  struct slot* slot = slot_lock(handle, &word);
  if (slot == NULL) {
    return false;
  }
  const bool same = slot->object == object;
  slot_unlock(slot, word);
  return same;
}

zx_status_t zxp_handle_get(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                           struct zxp_object** out, zx_rights_t* rights_out) {
  uint64_t word;
  struct slot* slot = slot_lock(handle, &word);
  if (slot == NULL) {
    return ZX_ERR_BAD_HANDLE;
  }
  zx_status_t status = ZX_OK;
  struct zxp_object* object = slot->object;
  if (type != ZX_OBJ_TYPE_NONE && object->ops->type != type) {
    status = ZX_ERR_WRONG_TYPE;
  } else if ((word_rights(word) & rights) != rights) {
    status = ZX_ERR_ACCESS_DENIED;
  } else {
    zxp_object_get(object);
  }
  slot_unlock(slot, word);
  if (status == ZX_OK) {
    *out = object;
    if (rights_out != NULL) {
      *rights_out = word_rights(word);
    }
  }
  return status;
}

zx_status_t zxp_handle_install(struct zxp_object* object, zx_rights_t rights, zx_handle_t* out) {
  if (zxp_process_is_fork()) {
    return ZX_ERR_BAD_STATE;
  }
  const uint32_t index = slot_alloc();
  if (index == NO_SLOT) {
    return ZX_ERR_NO_MEMORY;
  }
  zxp_object_get(object);
  zxp_mutex_lock(&object->lock);
  object->handle_count++;
  zxp_mutex_unlock(&object->lock);
  *out = slot_publish(index, object, rights);
  return ZX_OK;
}

zx_status_t zxp_handle_install_user(struct zxp_object* object, zx_rights_t rights,
                                    zx_handle_t* user_out) {
  if (user_out == NULL) {
    return ZX_ERR_INVALID_ARGS;
  }
  zx_handle_t value;
  zx_status_t status = zxp_handle_install(object, rights, &value);
  if (status != ZX_OK) {
    return status;
  }
  status = zxp_user_copy_out(user_out, &value, sizeof value, NULL);
  if (status != ZX_OK) {
    (void)zxp_handle_close(value);
  }
  return status;
}

zx_status_t zxp_handle_close(zx_handle_t handle) {
  uint64_t word;
  struct slot* slot = slot_lock(handle, &word);
  if (slot == NULL) {
    return ZX_ERR_BAD_HANDLE;
  }
  struct zxp_object* object = slot->object;
  slot_unlock(slot, make_word(word_generation(word) + 1, false, 0));
  slot_free(value_index(handle));
  zxp_object_handle_died(object, handle, true);
  zxp_object_put(object);
  return ZX_OK;
}

/* The rights that a new handle gets, from those asked for; false if they are not a subset. */
static bool reduce_rights(zx_rights_t have, zx_rights_t asked, zx_rights_t* out) {
  *out = asked == ZX_RIGHT_SAME_RIGHTS ? have : asked;
  return (*out & ~have) == 0;
}

zx_status_t zxp_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  struct zxp_object* object;
  zx_rights_t have;
  zx_status_t status = zxp_handle_get(handle, ZX_OBJ_TYPE_NONE, ZX_RIGHT_DUPLICATE, &object, &have);
  if (status != ZX_OK) {
    return status;
  }
  uint32_t index = NO_SLOT;
  if (!reduce_rights(have, rights, &rights)) {
    status = ZX_ERR_INVALID_ARGS;
    goto fail;
  }
  index = slot_alloc();
  if (index == NO_SLOT) {
    status = ZX_ERR_NO_MEMORY;
    goto fail;
  }
  /* The source may have been closed since the look-up, and it may have been the last: an object
   * that has run its last-handle action must not get a handle again. A closer counts off under
   * object.lock after the value has died, so a value that is live under the lock is still counted.
   */
  zxp_mutex_lock(&object->lock);
  if (!zxp_handle_is_live(handle, object)) {
    zxp_mutex_unlock(&object->lock);
    status = ZX_ERR_BAD_HANDLE;
    goto fail;
  }
  object->handle_count++;
  zxp_mutex_unlock(&object->lock);
  *out = slot_publish(index, object, rights); /* takes over the reference of the look-up */
  return ZX_OK;
fail:
  if (index != NO_SLOT) {
    slot_free(index);
  }
  zxp_object_put(object);
  return status;
}

zx_status_t zxp_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  uint64_t word;
  struct slot* slot = slot_lock(handle, &word);
  if (slot == NULL) {
    return ZX_ERR_BAD_HANDLE;
  }
  struct zxp_object* object = slot->object;
  const uint32_t generation = word_generation(word) + 1;
  if (!reduce_rights(word_rights(word), rights, &rights)) {
    slot_unlock(slot, make_word(generation, false, 0));
    slot_free(value_index(handle));
    zxp_object_handle_died(object, handle, true);
    zxp_object_put(object);
    return ZX_ERR_INVALID_ARGS;
  }
  zxp_object_get(object); /* another thread may guess the new value and close it */
  slot_unlock(slot, make_word(generation, true, rights));
  zxp_object_handle_died(object, handle, false);
  zxp_object_put(object);
  *out = make_value(value_index(handle), generation);
  return ZX_OK;
}

/* Without the lock, which a thread that the fork left behind may hold. */
bool zxp_handle_used(void) { return table.fresh > 0; }

void zxp_handle_for_each(void (*visit)(void* context, zx_handle_t handle, struct zxp_object* object,
                                       zx_rights_t rights),
                         void* context) {
  zxp_mutex_lock(&table.lock);
  const uint32_t end = table.fresh;
  zxp_mutex_unlock(&table.lock);
  for (uint32_t index = 0; index < end; index++) {
    uint64_t word = atomic_load_explicit(&slots[index].word, memory_order_relaxed);
    const zx_handle_t handle = make_value(index, word_generation(word));
    struct slot* slot = slot_lock(handle, &word);
    if (slot == NULL) {
      continue;
    }
    struct zxp_object* object = slot->object;
    zxp_object_get(object);
    slot_unlock(slot, word);
    visit(context, handle, object, word_rights(word));
    zxp_object_put(object);
  }
}
