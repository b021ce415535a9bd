/* SPDX-License-Identifier: BSD-3-Clause */
/* The intrusive list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/list.h"
/* After the headers that it needs and does not include. */
#include <cmocka.h>

struct item {
  char name;
  struct zxp_list link;
};

static struct zxp_list head;
static struct item items[5];
static struct item *const a = &items[0], *const b = &items[1], *const c = &items[2],
                          *const d = &items[3];

static int set_up(void** state) {
  (void)state;
  zxp_list_init(&head);
  for (int i = 0; i < 5; i++) {
    items[i].name = (char)('a' + i);
    zxp_list_init(&items[i].link);
  }
  return 0;
}

static struct item* item_of(struct zxp_list* link) {
  return ZXP_CONTAINER_OF(link, struct item, link);
}

/* The names on the list, forwards; and that it is the same backwards. */
static void assert_list(struct zxp_list* list, const char* names) {
  char got[8] = "";
  size_t n = 0;
  ZXP_LIST_FOREACH(it, list) { got[n++] = item_of(it)->name; }
  assert_string_equal(got, names);
  for (struct zxp_list* it = list->prev; it != list; it = it->prev) {
    assert_int_equal(item_of(it)->name, got[--n]);
  }
  assert_int_equal(n, 0);
}

static void a_new_list_is_empty(void** state) {
  (void)state;
  assert_true(zxp_list_empty(&head));
  assert_true(zxp_list_empty(&a->link));
  assert_null(zxp_list_pop_front(&head));
  assert_list(&head, "");
}

static void nodes_go_to_either_end(void** state) {
  (void)state;
  zxp_list_push_back(&head, &b->link);
  zxp_list_push_back(&head, &c->link);
  zxp_list_push_front(&head, &a->link);
  assert_list(&head, "abc");
  assert_false(zxp_list_empty(&head));
  assert_false(zxp_list_empty(&a->link));
}

static void a_node_goes_before_another(void** state) {
  (void)state;
  zxp_list_push_back(&head, &a->link);
  zxp_list_push_back(&head, &c->link);
  zxp_list_insert_before(&c->link, &b->link);
  assert_list(&head, "abc");
}

static void removing_twice_is_harmless(void** state) {
  (void)state;
  zxp_list_push_back(&head, &a->link);
  zxp_list_push_back(&head, &b->link);
  zxp_list_remove(&a->link);
  assert_true(zxp_list_empty(&a->link));
  zxp_list_remove(&a->link);
  assert_list(&head, "b");
}

static void popping_takes_the_first_off(void** state) {
  (void)state;
  zxp_list_push_back(&head, &a->link);
  zxp_list_push_back(&head, &b->link);
  assert_ptr_equal(zxp_list_pop_front(&head), &a->link);
  assert_true(zxp_list_empty(&a->link));
  assert_ptr_equal(zxp_list_pop_front(&head), &b->link);
  assert_null(zxp_list_pop_front(&head));
}

static void splicing_moves_every_node_to_the_end(void** state) {
  (void)state;
  struct zxp_list other;
  zxp_list_init(&other);
  zxp_list_push_back(&head, &a->link);
  zxp_list_push_back(&other, &b->link);
  zxp_list_push_back(&other, &c->link);
  zxp_list_splice_back(&head, &other);
  assert_list(&head, "abc");
  assert_list(&other, "");
  /* From an empty list, and to one. */
  zxp_list_splice_back(&head, &other);
  assert_list(&head, "abc");
  zxp_list_splice_back(&other, &head);
  assert_list(&other, "abc");
  assert_true(zxp_list_empty(&head));
}

static void a_safe_walk_may_remove_where_it_is(void** state) {
  (void)state;
  zxp_list_push_back(&head, &a->link);
  zxp_list_push_back(&head, &b->link);
  zxp_list_push_back(&head, &c->link);
  zxp_list_push_back(&head, &d->link);
  ZXP_LIST_FOREACH_SAFE(it, &head) {
    if (it != &b->link) {
      zxp_list_remove(it);
      memset(it, 0xff, sizeof *it);
    }
  }
  assert_list(&head, "b");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_new_list_is_empty),
      TEST(nodes_go_to_either_end),
      TEST(a_node_goes_before_another),
      TEST(removing_twice_is_harmless),
      TEST(popping_takes_the_first_off),
      TEST(splicing_moves_every_node_to_the_end),
      TEST(a_safe_walk_may_remove_where_it_is),
  };
  return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
