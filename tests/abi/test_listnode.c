/* SPDX-License-Identifier: BSD-3-Clause */

/* The list of <zircon/listnode.h>. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zircon/listnode.h>

#include <cmocka.h>

typedef struct {
  char name;
  list_node_t node;
} item_t;

static item_t items[6];

/* Fresh items a to f, in no list. */
static int set_up(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
    items[i].name = (char)('a' + i);
    list_clear_node(&items[i].node);
  }
  return 0;
}

/* A list of the items that `names` names. */
static void fill(list_node_t* list, const char* names) {
  list_initialize(list);
  for (; *names != '\0'; names++) {
    list_add_tail(list, &items[*names - 'a'].node);
  }
}

/* Holds a list against `names`, in both directions. */
static void expect(list_node_t* list, const char* names) {
  char forward[8] = "", backward[8] = "";
  size_t length = 0;
  item_t* item = NULL;
  list_for_every_entry(list, item, item_t, node) {
    assert_true(length < sizeof(forward) - 1);
    forward[length++] = item->name;
  }
  assert_string_equal(forward, names);
  assert_int_equal(list_length(list), strlen(names));
  assert_int_equal(list_is_empty(list), length == 0);

  size_t at = length;
  for (list_node_t* node = list->prev; node != list; node = node->prev) {
    assert_true(at > 0);
    backward[--at] = containerof(node, item_t, node)->name;
  }
  assert_int_equal(at, 0);
  assert_string_equal(backward, names);
}

static list_node_t* node(char name) { return &items[name - 'a'].node; }

static void a_fresh_list_is_empty(void** state) {
  (void)state;
  list_node_t list = LIST_INITIAL_VALUE(list);
  const list_node_t cleared = LIST_INITIAL_CLEARED_VALUE;
  expect(&list, "");
  assert_null(list_peek_head(&list));
  assert_null(list_peek_tail(&list));
  assert_null(list_remove_head(&list));
  assert_null(list_remove_tail(&list));
  assert_null(list_next_wrap(&list, &list));
  assert_null(list_prev_wrap(&list, &list));
  assert_true(list_in_list(&list));
  assert_false(list_in_list(&cleared));
}

static void nodes_are_added_where_told(void** state) {
  (void)state;
  list_node_t list;
  list_initialize(&list);
  list_add_head(&list, node('c'));
  list_add_head(&list, node('a'));
  list_add_tail(&list, node('f'));
  list_add_after(node('a'), node('b'));
  list_add_before(node('f'), node('e'));
  list_add_after(node('c'), node('d'));
  expect(&list, "abcdef");
}

static void a_deleted_node_is_in_no_list(void** state) {
  (void)state;
  list_node_t list;
  fill(&list, "abc");
  list_delete(node('b'));
  assert_false(list_in_list(node('b')));
  assert_true(list_in_list(node('a')));
  expect(&list, "ac");
  assert_ptr_equal(list_remove_head(&list), node('a'));
  assert_ptr_equal(list_remove_tail(&list), node('c'));
  assert_false(list_in_list(node('c')));
  expect(&list, "");
}

static void a_node_is_replaced_in_its_place(void** state) {
  (void)state;
  list_node_t list;
  fill(&list, "abc");
  list_replace_node(node('b'), node('d'));
  assert_false(list_in_list(node('b')));
  expect(&list, "adc");
}

static void neighbours_are_found(void** state) {
  (void)state;
  list_node_t list;
  fill(&list, "abc");
  assert_ptr_equal(list_peek_head(&list), node('a'));
  assert_ptr_equal(list_peek_tail(&list), node('c'));
  assert_ptr_equal(list_next(&list, node('a')), node('b'));
  assert_null(list_next(&list, node('c')));
  assert_ptr_equal(list_prev(&list, node('b')), node('a'));
  assert_null(list_prev(&list, node('a')));
  assert_ptr_equal(list_next_wrap(&list, node('c')), node('a'));
  assert_ptr_equal(list_prev_wrap(&list, node('a')), node('c'));
}

static void the_forms_with_a_type_give_the_structure(void** state) {
  (void)state;
  list_node_t list;
  fill(&list, "abcd");
  assert_ptr_equal(list_peek_head_type(&list, item_t, node), &items[0]);
  assert_ptr_equal(list_peek_tail_type(&list, item_t, node), &items[3]);
  assert_ptr_equal(list_next_type(&list, node('a'), item_t, node), &items[1]);
  assert_null(list_next_type(&list, node('d'), item_t, node));
  assert_ptr_equal(list_prev_type(&list, node('b'), item_t, node), &items[0]);
  assert_ptr_equal(list_next_wrap_type(&list, node('d'), item_t, node), &items[0]);
  assert_ptr_equal(list_prev_wrap_type(&list, node('a'), item_t, node), &items[3]);
  /* The list is evaluated once: two removals take two nodes. */
  assert_ptr_equal(list_remove_head_type(&list, item_t, node), &items[0]);
  assert_ptr_equal(list_remove_tail_type(&list, item_t, node), &items[3]);
  expect(&list, "bc");
}

static void loops_visit_all_and_the_safe_ones_may_remove(void** state) {
  (void)state;
  list_node_t list;
  fill(&list, "abcd");
  size_t visited = 0;
  list_node_t* at = NULL;
  list_node_t* next = NULL;
  list_for_every(&list, at) { visited++; }
  assert_int_equal(visited, 4);
  list_for_every_safe(&list, at, next) {
    if (at == node('a') || at == node('c')) {
      list_delete(at);
    }
  }
  expect(&list, "bd");
  item_t* item = NULL;
  item_t* next_item = NULL;
  list_for_every_entry_safe(&list, item, next_item, item_t, node) { list_delete(&item->node); }
  expect(&list, "");
}

static void lists_are_spliced_split_and_moved_whole(void** state) {
  (void)state;
  list_node_t list, other;
  fill(&list, "abc");
  fill(&other, "de");
  list_splice_after(&other, node('b'));
  expect(&list, "abdec");
  expect(&other, "");
  list_splice_after(&other, node('b'));
  expect(&list, "abdec");

  list_split_after(&list, node('b'), &other);
  expect(&list, "ab");
  expect(&other, "dec");
  list_node_t third;
  list_split_after(&list, node('b'), &third);
  expect(&list, "ab");
  expect(&third, "");
  list_split_after(&list, &list, &third);
  expect(&list, "");
  expect(&third, "ab");

  list_move(&third, &list);
  expect(&third, "");
  expect(&list, "ab");
  list_move(&third, &other);
  expect(&other, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_fresh_list_is_empty, set_up),
      cmocka_unit_test_setup(nodes_are_added_where_told, set_up),
      cmocka_unit_test_setup(a_deleted_node_is_in_no_list, set_up),
      cmocka_unit_test_setup(a_node_is_replaced_in_its_place, set_up),
      cmocka_unit_test_setup(neighbours_are_found, set_up),
      cmocka_unit_test_setup(the_forms_with_a_type_give_the_structure, set_up),
      cmocka_unit_test_setup(loops_visit_all_and_the_safe_ones_may_remove, set_up),
      cmocka_unit_test_setup(lists_are_spliced_split_and_moved_whole, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
