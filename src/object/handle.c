/* SPDX-License-Identifier: BSD-3-Clause */
#include "object/handle.h"

#include <assert.h>

#include "base/user.h"
#include "base/visitor.h"
#include "object/process.h"

/*
 * A handle value:
 *
 *   31        20 19            2 1 0
 *   generation   slot number     1 1
 *
 * A slot's word:
 *
 *   63         32 31      14 13           2   1     0
 *   rights        pins       generation   live   port
 *
 *   FREE (live 0, pins 0) -> LIVE     publish: install, duplicate
 *   LIVE -> LIVE                      replace: the generation moves on, rights change, pins stay
 *   LIVE -> DYING (live 0, pins > 0)  kill: close; the generation moves on
 *   DYING -> FREE                     the last pin goes: the slot lets go of its object
 * The generation is that of the value in use, or of the next one to be given out. `port` tells that
 * the object is one.
 *
 * A pin is what a call holds on a slot while it looks at or uses the object: one atomic step to
 * take, one to drop, on a word that no other handle shares. close pins too, so that every handle
 * dies by its last pin, and the slot is used again only when no call remembers the old value.
 *
 * A visit is a pin that nobody sees: the value stands in the visitor's place. Whoever kills a value
 * then looks for visits of the slot and gives each a pin, which the visitor drops when it leaves:
 *
 *   0 -> value             visit
 *   value -> value, given  close, which has taken a pin for it
 *   any -> 0               leave; unpins if it was given one
 * The two steps of either side are sequentially consistent: if a visitor sees the value live, the
 * one who kills it sees the visit.
 */
#define INDEX_BITS       18
#define INDEX_SHIFT      2
#define GENERATION_BITS  12
#define GENERATION_MASK  ((1u << GENERATION_BITS) - 1)
#define GENERATION_SHIFT (INDEX_SHIFT + INDEX_BITS)

static_assert(ZXP_HANDLE_MAX == 1u << INDEX_BITS, "a slot for every index");
static_assert(GENERATION_SHIFT + GENERATION_BITS == 32, "a value has 32 bits");

#define WORD_PORT             ((uint64_t)1)
#define WORD_LIVE             ((uint64_t)2)
#define WORD_GENERATION_SHIFT 2
#define WORD_PIN_SHIFT        (WORD_GENERATION_SHIFT + GENERATION_BITS)
#define WORD_PIN              ((uint64_t)1 << WORD_PIN_SHIFT)
#define WORD_PINS             ((uint64_t)0xffffffff & ~(WORD_PIN - 1))
#define WORD_RIGHTS_SHIFT     32

/* Freed slots wait in a queue this long before one is used again, so that a stale value stays dead
 * for about 256 * 4096 creations and not for 4096. */
#define MIN_FREE 256u

#define NO_SLOT UINT32_MAX

/* One of the fixed bits: in a visitor's place it is gone when the visitor has been given a pin. */
#define VISIT_WITHOUT_PIN ((uint32_t)2)
static_assert((VISIT_WITHOUT_PIN & ZX_HANDLE_FIXED_BITS_MASK) != 0, "set in every value");

/* (A) atomic  (T) table lock */
struct slot {
  _Atomic uint64_t word;     /* (A) */
  _Atomic uintptr_t payload; /* (A) not FREE: the object, of which the slot owns a reference;
                              * (T) FREE: the next free slot */
};

/* 4 MiB of address space; pages that no handle has used yet take no memory. */
static struct slot slots[ZXP_HANDLE_MAX];

static struct {
  struct zxp_mutex lock;
  uint32_t fresh;     /* (T) slots used so far; fresh_index tells which is next */
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

static struct zxp_object* slot_object(const struct slot* slot) {
  return (struct zxp_object*)atomic_load_explicit(&slot->payload, memory_order_relaxed);
}

/* ---- Free slots ---- */

/* Slots made one after the other are often used by different threads: four share a cache line, so
 * neighbours in time are laid 64 slots apart, within a page. */
static uint32_t fresh_index(uint32_t n) { return (n & ~255u) | (n & 3u) << 6 | (n >> 2 & 63u); }

/* NO_SLOT if all are live. */
static uint32_t slot_alloc(void) {
  uint32_t index = NO_SLOT;
  zxp_mutex_lock(&table.lock);
  if (table.free_count < MIN_FREE && table.fresh < ZXP_HANDLE_MAX) {
    index = fresh_index(table.fresh++);
    /* Spread, so that small numbers and a neighbour's value are not live handles by accident. */
    const uint32_t generation = (index + 1) * 2654435761u >> (32 - GENERATION_BITS);
    atomic_store_explicit(&slots[index].word, make_word(generation, false, 0),
                          memory_order_relaxed);
  } else if (table.free_count > 0) {
    index = table.free_head;
    table.free_head = (uint32_t)atomic_load_explicit(&slots[index].payload, memory_order_relaxed);
    table.free_count--;
  }
  zxp_mutex_unlock(&table.lock);
  return index;
}

static void slot_free(uint32_t index) {
  zxp_mutex_lock(&table.lock);
  if (table.free_count == 0) {
    table.free_head = index;
  } else {
    atomic_store_explicit(&slots[table.free_tail].payload, index, memory_order_relaxed);
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
  /* Pairs with the acquire in zxp_handle_peek_port, which may see the object under an older value
   * and find out only later. */
  atomic_store_explicit(&slot->payload, (uintptr_t)object, memory_order_release);
  /* Pairs with the acquire in pin: who sees the value live sees the object. */
  const uint64_t port = object->ops->type == ZX_OBJ_TYPE_PORT ? WORD_PORT : 0;
  atomic_store_explicit(&slot->word, make_word(generation, true, rights) | port,
                        memory_order_release);
  return make_value(index, generation);
}

/* ---- Live slots ---- */

static bool word_matches(uint64_t word, zx_handle_t handle) {
  return (word & WORD_LIVE) != 0 && word_generation(word) == value_generation(handle);
}

/* The slot that a value could name, or NULL if no value that was given out looks like this. */
static struct slot* slot_of(zx_handle_t handle) {
  if (zxp_process_is_fork() || (handle & ZX_HANDLE_FIXED_BITS_MASK) != ZX_HANDLE_FIXED_BITS_MASK) {
    return NULL;
  }
  return &slots[value_index(handle)];
}

/* Pins the slot of a live handle; NULL if it is not one. `*word` is the word before. */
static struct slot* pin(zx_handle_t handle, uint64_t* word) {
  struct slot* slot = slot_of(handle);
  if (slot == NULL) {
    return NULL;
  }
  *word = atomic_load_explicit(&slot->word, memory_order_relaxed);
  do {
    if (!word_matches(*word, handle)) {
      return NULL;
    }
    ZXP_DEBUG_ASSERT((*word & WORD_PINS) != WORD_PINS);
  } while (!atomic_compare_exchange_weak_explicit(&slot->word, word, *word + WORD_PIN,
                                                  memory_order_acquire, memory_order_relaxed));
  return slot;
}

static void unpin(struct slot* slot) {
  /* Release: what this thread did comes before the end. Acquire: the last one sees what all did. */
  const uint64_t before = atomic_fetch_sub_explicit(&slot->word, WORD_PIN, memory_order_acq_rel);
  if ((before & (WORD_LIVE | WORD_PINS)) == WORD_PIN) {
    struct zxp_object* object = slot_object(slot);
    slot_free((uint32_t)(slot - slots));
    zxp_object_put(object);
  }
}

/*
 * The value dies; the pinned slot goes on with `live` and `rights`. False if it was dead already.
 */
static bool end_value(struct slot* slot, zx_handle_t handle, bool live, zx_rights_t rights) {
  uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
  uint64_t after;
  do {
    if (!word_matches(word, handle)) {
      return false;
    }
    after = make_word(value_generation(handle) + 1, live, rights) |
            (word & (live ? WORD_PINS | WORD_PORT : WORD_PINS));
  } while (!atomic_compare_exchange_weak(&slot->word, &word, after));
  return true;
}

/* ---- Visits ---- */

struct zxp_visitor* zxp_handle_visit(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                                     struct zxp_object** out) {
  struct slot* slot = slot_of(handle);
  struct zxp_visitor* v = slot != NULL ? zxp_visitor_self() : NULL;
  if (v == NULL || atomic_load_explicit(&v->handle, memory_order_relaxed) != 0) {
    return NULL;
  }
  atomic_store(&v->handle, handle);
  const uint64_t word = atomic_load(&slot->word);
  if (word_matches(word, handle) && (word_rights(word) & rights) == rights) {
    *out = slot_object(slot);
    if ((*out)->ops->type == type) {
      return v;
    }
  }
  zxp_handle_leave(v);
  return NULL;
}

void zxp_handle_leave(struct zxp_visitor* v) {
  const uint32_t was = atomic_exchange_explicit(&v->handle, 0, memory_order_acq_rel);
  if ((was & VISIT_WITHOUT_PIN) == 0) {
    unpin(&slots[value_index(was)]);
  }
}

/* A value of the slot, which the caller has pinned, is dead: whoever is visiting by it gets a pin
 * of its own. */
static void give_pins(struct slot* slot) {
  const uint32_t index = (uint32_t)(slot - slots);
  const unsigned count = zxp_visitor_count();
  for (unsigned i = 0; i < count; i++) {
    struct zxp_visitor* v = &zxp_visitors[i];
    uint32_t value = atomic_load(&v->handle);
    if (value_index(value) == index && (value & VISIT_WITHOUT_PIN) != 0) {
      atomic_fetch_add_explicit(&slot->word, WORD_PIN, memory_order_relaxed);
      if (!atomic_compare_exchange_strong(&v->handle, &value, value & ~VISIT_WITHOUT_PIN)) {
        unpin(slot); /* It has left. */
      }
    }
  }
}

bool zxp_handle_is_live(zx_handle_t handle, const struct zxp_object* object) {
  return zxp_handle_is(handle, object, ZX_RIGHT_NONE);
}

bool zxp_handle_is(zx_handle_t handle, const struct zxp_object* object, zx_rights_t rights) {
  const struct slot* slot = slot_of(handle);
  if (slot == NULL) {
    return false;
  }
  const uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
  if (!word_matches(word, handle) || (word_rights(word) & rights) != rights) {
    return false;
  }
  /* The second look tells that the object was this value's: a slot gets another one only under
   * another generation. */
  const bool same =
      (struct zxp_object*)atomic_load_explicit(&slot->payload, memory_order_acquire) == object;
  return same && word_matches(atomic_load_explicit(&slot->word, memory_order_relaxed), handle);
}

struct zxp_object* zxp_handle_peek_port(zx_handle_t handle, zx_rights_t rights) {
  const struct slot* slot = slot_of(handle);
  if (slot == NULL) {
    return NULL;
  }
  const uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
  if (!word_matches(word, handle) || (word & WORD_PORT) == 0 ||
      (word_rights(word) & rights) != rights) {
    return NULL;
  }
  /* The second look tells that the payload was this value's. */
  const uintptr_t payload = atomic_load_explicit(&slot->payload, memory_order_acquire);
  return word_matches(atomic_load_explicit(&slot->word, memory_order_relaxed), handle)
             ? (struct zxp_object*)payload
             : NULL;
}

zx_status_t zxp_handle_pin(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                           struct zxp_object** out, zx_rights_t* rights_out) {
  uint64_t word;
  struct slot* slot = pin(handle, &word);
  if (slot == NULL) {
    return ZX_ERR_BAD_HANDLE;
  }
  struct zxp_object* object = slot_object(slot);
  if (type != ZX_OBJ_TYPE_NONE && object->ops->type != type) {
    unpin(slot);
    return ZX_ERR_WRONG_TYPE;
  }
  if ((word_rights(word) & rights) != rights) {
    unpin(slot);
    return ZX_ERR_ACCESS_DENIED;
  }
  *out = object;
  if (rights_out != NULL) {
    *rights_out = word_rights(word);
  }
  return ZX_OK;
}

void zxp_handle_unpin(zx_handle_t handle) { unpin(&slots[value_index(handle)]); }

zx_status_t zxp_handle_get(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                           struct zxp_object** out, zx_rights_t* rights_out) {
  const zx_status_t status = zxp_handle_pin(handle, type, rights, out, rights_out);
  if (status == ZX_OK) {
    zxp_object_get(*out);
    zxp_handle_unpin(handle);
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
  struct slot* slot = pin(handle, &word);
  if (slot == NULL) {
    return ZX_ERR_BAD_HANDLE;
  }
  const bool mine = end_value(slot, handle, false, 0);
  if (mine) {
    zxp_object_handle_died(slot_object(slot), handle, true);
    give_pins(slot);
  }
  unpin(slot);
  return mine ? ZX_OK : ZX_ERR_BAD_HANDLE;
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
   * object.lock after the value has died, so a value that is live under the lock is still
   * counted. */
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
  struct slot* slot = pin(handle, &word);
  if (slot == NULL) {
    return ZX_ERR_BAD_HANDLE;
  }
  zx_status_t status = ZX_OK;
  const bool subset = reduce_rights(word_rights(word), rights, &rights);
  if (!end_value(slot, handle, subset, subset ? rights : 0)) {
    status = ZX_ERR_BAD_HANDLE;
  } else {
    zxp_object_handle_died(slot_object(slot), handle, !subset);
    *out = make_value(value_index(handle), value_generation(handle) + 1);
    status = subset ? ZX_OK : ZX_ERR_INVALID_ARGS;
    if (!subset) {
      give_pins(slot);
    }
  }
  unpin(slot);
  return status;
}

/* Without the lock, which a thread that the fork left behind may hold. */
bool zxp_handle_used(void) { return table.fresh > 0; }

void zxp_handle_for_each(void (*visit)(void* context, zx_handle_t handle, struct zxp_object* object,
                                       zx_rights_t rights),
                         void* context) {
  zxp_mutex_lock(&table.lock);
  const uint32_t used = table.fresh;
  zxp_mutex_unlock(&table.lock);
  for (uint32_t n = 0; n < used; n++) {
    const uint32_t index = fresh_index(n);
    uint64_t word = atomic_load_explicit(&slots[index].word, memory_order_relaxed);
    const zx_handle_t handle = make_value(index, word_generation(word));
    struct slot* slot = pin(handle, &word);
    if (slot != NULL) {
      visit(context, handle, slot_object(slot), word_rights(word));
      unpin(slot);
    }
  }
}
